import { MutationCache, QueryClient, queryOptions } from '@tanstack/react-query'
import { parseOrder } from '../state/order'
import { ApiError, get, path, read, serverUrl } from './http'
import { isOnServer } from './place'
import type { Experiment, ExperimentList, Metric, RunColumns, RunDetail, SignedIn, Workspace } from './types'

/** Queries that several pages share. Their keys begin with what `live.ts` refreshes: see there. */

export const queryClient: QueryClient = new QueryClient({
  // Whatever was changed may be in a table that is looked at next; the one that is shown hears of it by itself.
  mutationCache: new MutationCache({
    onSettled: () => queryClient.invalidateQueries({ queryKey: ['runlist'], refetchType: 'none' }),
  }),
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
    queryFn: ({ signal }) => get<Workspace>('/workspace', { counts: false }, signal),
    staleTime: 60_000,
  })
}

/** Who is signed in; of an embedded portal that is not asked. */
export function sessionQuery() {
  return queryOptions({
    queryKey: ['session'],
    queryFn: ({ signal }) => read<SignedIn>(serverUrl('/session'), signal),
    staleTime: 60_000,
    enabled: isOnServer(),
  })
}

export type ExperimentView = 'active' | 'archived' | 'all'

export const USUAL_EXPERIMENTS_ORDER = '-last_activity'
const MOST_EXPERIMENTS = 500

export function experimentsQuery(view: ExperimentView, search: string, order = USUAL_EXPERIMENTS_ORDER) {
  const { by, descending } = parseOrder(order, USUAL_EXPERIMENTS_ORDER)
  return queryOptions({
    queryKey: ['experiments', view, search, order],
    queryFn: ({ signal }) =>
      get<ExperimentList>('/experiments', { view, search, order_by: by, descending, limit: MOST_EXPERIMENTS }, signal),
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
