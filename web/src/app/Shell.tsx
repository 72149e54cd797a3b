import { Suspense } from 'react'
import { Outlet, useLocation } from 'react-router'
import { Loading } from '../parts/Loading'
import { Header } from './Header'
import { KeyboardHelp } from './KeyboardHelp'
import { PageBoundary } from './PageBoundary'
import classes from './Shell.module.css'

/** What is around every page. */
export function Shell() {
  const { pathname } = useLocation()
  return (
    <>
      <a className={classes.skip} href="#content">
        Skip to the content
      </a>
      <Header />
      <main id="content" tabIndex={-1} className={classes.main}>
        <PageBoundary key={pathname}>
          <Suspense fallback={<Loading what="the page" />}>
            <Outlet />
          </Suspense>
        </PageBoundary>
      </main>
      <KeyboardHelp />
    </>
  )
}
