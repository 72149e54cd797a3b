import { lazy } from 'react'
import { Navigate, Route, Routes } from 'react-router'
import { NoPage } from './NoPage'
import { Shell } from './Shell'

const Experiments = lazy(() => import('../pages/experiments'))
const Experiment = lazy(() => import('../pages/experiment'))
const Run = lazy(() => import('../pages/run'))
const Compare = lazy(() => import('../pages/compare'))
const Models = lazy(() => import('../pages/models'))
const Compute = lazy(() => import('../pages/compute'))

/** Which page an address opens. */
export function Pages() {
  return (
    <Routes>
      <Route element={<Shell />}>
        <Route index element={<Navigate to="/experiments" replace />} />
        <Route path="experiments" element={<Experiments />} />
        <Route path="experiments/:experiment" element={<Experiment />} />
        <Route path="experiments/:experiment/runs/:runId" element={<Run />} />
        <Route path="compare" element={<Compare />} />
        <Route path="models" element={<Models />} />
        <Route path="models/:name" element={<Models />} />
        <Route path="compute" element={<Compute />} />
        <Route path="*" element={<NoPage />} />
      </Route>
    </Routes>
  )
}
