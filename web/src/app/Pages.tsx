import { Navigate, Route, Routes } from 'react-router'
import { isOnServer } from '../api/place'
import { type Later, later } from '../parts/later'
import { NoPage } from './NoPage'
import { Shell } from './Shell'

const WHAT = 'the page'
/** Of a server, for the owners of a workspace. */
const Members = later(WHAT, () => import('../pages/members'))
const Models = later(WHAT, () => import('../pages/models'))

/** The pages by their addresses; the first is where the portal opens. */
export const PAGES: readonly { readonly path: string; readonly Page: Later<object> }[] = [
  { path: 'experiments', Page: later(WHAT, () => import('../pages/experiments')) },
  { path: 'experiments/:experiment', Page: later(WHAT, () => import('../pages/experiment')) },
  { path: 'experiments/:experiment/runs/:runId', Page: later(WHAT, () => import('../pages/run')) },
  { path: 'compare', Page: later(WHAT, () => import('../pages/compare')) },
  { path: 'models', Page: Models },
  { path: 'models/:name', Page: Models },
  { path: 'compute', Page: later(WHAT, () => import('../pages/compute')) },
]

/** Which page an address opens. */
export function Pages() {
  return (
    <Routes>
      <Route element={<Shell />}>
        <Route index element={<Navigate to="/experiments" replace />} />
        {PAGES.map(({ path, Page }) => (
          <Route key={path} path={path} element={<Page />} />
        ))}
        {isOnServer() && <Route path="members" element={<Members />} />}
        <Route path="*" element={<NoPage />} />
      </Route>
    </Routes>
  )
}
