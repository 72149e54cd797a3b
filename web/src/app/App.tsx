import { MantineProvider } from '@mantine/core'
import { QueryClientProvider } from '@tanstack/react-query'
import { setNonce } from 'get-nonce'
import { BrowserRouter } from 'react-router'
import { queryClient } from '../api/queries'
import { styleNonce } from './nonce'
import { Pages } from './Pages'
import { theme } from './theme'

const nonce = styleNonce()
if (nonce) setNonce(nonce)

/** The portal. */
export function App() {
  return (
    <MantineProvider theme={theme} defaultColorScheme="auto" getStyleNonce={nonce ? () => nonce : undefined}>
      <QueryClientProvider client={queryClient}>
        {/* The address holds what switches and boxes show: they must change in the moment they are pressed. */}
        <BrowserRouter useTransitions={false}>
          <Pages />
        </BrowserRouter>
      </QueryClientProvider>
    </MantineProvider>
  )
}
