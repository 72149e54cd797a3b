import { QueryClient, queryOptions } from '@tanstack/react-query'
import { ApiError, get, path } from './http'
import type { Experiment, Metric, RunColumns, RunDetail, Workspace } from './types'

/** Queries that several pages share. Their keys begin with what `live.ts` refreshes: see there. */

export const queryClient = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 15_000,
      gcTime: 5 * 60_000,
      refetchOnWindowFocus: true,
      networkMode: 'always', // the portal is on this machine: it answers without a network, too
      retry: (count, error) => count < 2 && error instanceof ApiError && error.passing,
    },
    mutations: { networkMode: 'always' },
  },
})

export function workspaceQuery() {
  return queryOptions({
    queryKey: ['workspace'],
    queryFn: ({ signal }) => get<Workspace>('/workspace', {}, signal),
    staleTime: 60_000,
  })
}

export type ExperimentView = 'active' | 'archived' | 'all'

export function experimentsQuery(view: ExperimentView, search: string) {
  return queryOptions({
    queryKey: ['experiments', view, search],
    queryFn: ({ signal }) =>
      get<{ readonly experiments: readonly Experiment[] }>('/experiments', { view, search }, signal),
  })
}

export function experimentQuery(name: string) {
  return queryOptions({
    queryKey: ['experiments', 'one', name],
    queryFn: ({ signal }) => get<Experiment>(path`/experiments/${name}`, {}, signal),
  })
}

export function columnsQuery(experiment: string) {
  return queryOptions({
    queryKey: ['runs', 'columns', experiment],
    queryFn: ({ signal }) => get<RunColumns>('/runs/columns', { experiment }, signal),
    staleTime: 30_000,
  })
}

export function runQuery(runId: string) {
  return queryOptions({
    queryKey: ['run', runId],
    queryFn: ({ signal }) => get<RunDetail>(path`/runs/${runId}`, {}, signal),
  })
}

export function metricsQuery(runId: string, namespace = '') {
  return queryOptions({
    queryKey: ['run', runId, 'metrics', namespace],
    queryFn: ({ signal }) =>
      get<{ readonly metrics: readonly Metric[] }>(path`/runs/${runId}/metrics`, { namespace }, signal),
  })
}
