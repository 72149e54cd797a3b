import { MantineProvider, useComputedColorScheme } from '@mantine/core'
import { QueryClientProvider } from '@tanstack/react-query'
import { setNonce } from 'get-nonce'
import type { ReactNode } from 'react'
import { BrowserRouter } from 'react-router'
import { pagesBase, placeKind } from '../api/place'
import { queryClient } from '../api/queries'
import { DarkContext } from '../charts/dark'
import { styleNonce } from './nonce'
import { Pages } from './Pages'
import { ServerPages } from './ServerPages'
import { theme } from './theme'

const nonce = styleNonce()
if (nonce) setNonce(nonce)

/** The portal. */
export function App() {
  return (
    <MantineProvider theme={theme} defaultColorScheme="auto" getStyleNonce={nonce ? () => nonce : undefined}>
      <QueryClientProvider client={queryClient}>
        {/* The address holds what switches and boxes show: they must change in the moment they are pressed. */}
        <BrowserRouter basename={pagesBase() || '/'} useTransitions={false}>
          <ChartScheme>{placeKind() === 'server' ? <ServerPages /> : <Pages />}</ChartScheme>
        </BrowserRouter>
      </QueryClientProvider>
    </MantineProvider>
  )
}

/** Tells the charts, which know nothing of Mantine, whether the page is dark. */
function ChartScheme({ children }: { readonly children: ReactNode }) {
  return <DarkContext value={useComputedColorScheme('light') === 'dark'}>{children}</DarkContext>
}
