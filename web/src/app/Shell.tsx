import { useQuery } from '@tanstack/react-query'
import { useEffect, useRef, useState, useSyncExternalStore } from 'react'
import { Outlet, useLocation, useNavigate, useNavigationType } from 'react-router'
import { onNewSession, session } from '../api/place'
import { sessionQuery } from '../api/queries'
import { useKeys } from '../state/keys'
import { Guarded } from './Guarded'
import { Header } from './Header'
import { KeyboardHelp } from './KeyboardHelp'
import { goals } from './navigation'
import { PageBoundary } from './PageBoundary'
import { ReachNotice } from './ReachNotice'
import classes from './Shell.module.css'

/** What is around every page. */
export function Shell() {
  const { pathname } = useLocation()
  const navigate = useNavigate()
  const [isHelpOpen, setHelpOpen] = useState(false)
  const main = useRef<HTMLElement>(null)
  const key = useSyncExternalStore(onNewSession, session)
  const whither = goals(useQuery(sessionQuery()).data?.is_admin ?? false)
  useNewPage(pathname, main)
  useKeys({
    ...Object.fromEntries(whither.map(({ keys, does, to }) => [keys, { does, act: () => navigate(to) }])),
    '?': { does: 'This list', act: () => setHelpOpen(true) },
  })
  return (
    <>
      <a className={classes.skip} href="#content">
        Skip to the content
      </a>
      <Header goals={whither} onHelp={() => setHelpOpen(true)} />
      <ReachNotice />
      <main ref={main} id="content" tabIndex={-1} className={classes.main}>
        {/* Addresses that a page shows, of downloads and images, are of a session: in another one it is drawn anew. */}
        <PageBoundary key={`${key} ${pathname}`}>
          <Guarded>
            <Outlet />
          </Guarded>
        </PageBoundary>
      </main>
      <KeyboardHelp opened={isHelpOpen} onClose={() => setHelpOpen(false)} />
    </>
  )
}

/** Another page begins at its top, and the keyboard in it, as where a browser loads one. */
function useNewPage(pathname: string, main: { readonly current: HTMLElement | null }): void {
  const navigation = useNavigationType()
  const before = useRef(pathname)
  useEffect(() => {
    if (before.current === pathname) return
    before.current = pathname
    main.current?.focus({ preventScroll: true })
    if (navigation !== 'POP') window.scrollTo(0, 0) // Back and Forward: the browser knows where it was
  }, [pathname, navigation, main])
}
