import { matchPath } from 'react-router'
import { isOnServer, pagesBase, placeKind } from '../api/place'
import {
  columnsQuery,
  experimentQuery,
  experimentsQuery,
  metricsQuery,
  queryClient,
  runQuery,
  sessionQuery,
  workspaceQuery,
} from '../api/queries'
import { TABS, tabNamed } from '../pages/run/tabs'
import { PAGES } from './Pages'
import { ServerPages } from './ServerPages'

/** Asks for what the first page will need, while its code is still on its way: else each would wait for the one before. */
export function askAhead({ pathname: whole, search }: Pick<Location, 'pathname' | 'search'>): void {
  if (isOnServer()) void queryClient.prefetchQuery(sessionQuery())
  if (placeKind() === 'server') {
    ServerPages.ahead()
    return
  }
  const pathname = whole.slice(pagesBase().length) || '/'
  const page = PAGES.find(({ path }) => matchPath(`/${path}`, pathname)) ?? PAGES[0]
  page?.Page.ahead()
  const params = new URLSearchParams(search)
  void queryClient.prefetchQuery(workspaceQuery())
  if (page === PAGES[0]) void queryClient.prefetchQuery(experimentsQuery('active', ''))
  const { runId } = matchPath('/experiments/:experiment/runs/:runId', pathname)?.params ?? {}
  if (runId !== undefined) {
    void queryClient.prefetchQuery(runQuery(runId))
    const tab = tabNamed(params.get('tab'))
    TABS.find(({ name }) => name === tab)?.Page.ahead()
    if (tab === 'metrics') {
      void queryClient.prefetchQuery(metricsQuery(runId))
      import('../pages/run/metrics/first_series')
        .then(({ askFirst }) => askFirst(runId, (name) => params.get(name)))
        .catch(() => undefined) // the page itself tells what it cannot have
    }
  }
  const { experiment } = matchPath('/experiments/:experiment', pathname)?.params ?? {}
  if (experiment !== undefined) {
    void queryClient.prefetchQuery(experimentQuery(experiment))
    void queryClient.prefetchQuery(columnsQuery(experiment))
    if (params.has('chart')) {
      import('../pages/experiment/first_overlay')
        .then(({ askOverlay }) => askOverlay((name) => params.get(name)))
        .catch(() => undefined)
    }
  }
}
