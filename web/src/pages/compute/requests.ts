import { keepPreviousData, queryOptions } from '@tanstack/react-query'
import { get } from '../../api/http'

export interface Pool {
  readonly name: string
  readonly kind: string
  /** How many of its runs are at work at a time; null: as many as come. */
  readonly max_nodes: number | null
  readonly running: number
  readonly waiting: number
  readonly vm_size: string | null
  readonly description: string | null
  readonly created: string | null
}

export interface QueuedRun {
  readonly run_id: string
  readonly experiment: string
  readonly target: string
  readonly state: 'preparing' | 'waiting' | 'running' | 'ending'
  /** Of those that wait for the same pool: 1 is next. */
  readonly position: number | null
  readonly submitted: string
  readonly nodes: number
  readonly what: string
}

/** What changes without a word of the store (a process that ended) is seen so soon (ms). */
const LOOK_AGAIN = 5000

export function poolsQuery() {
  return queryOptions({
    queryKey: ['compute', 'pools'],
    queryFn: ({ signal }) => get<{ readonly pools: readonly Pool[] }>('/compute', {}, signal),
    refetchInterval: LOOK_AGAIN,
  })
}

export function queueQuery(target: string | null) {
  return queryOptions({
    queryKey: ['compute', 'queue', target],
    queryFn: ({ signal }) =>
      get<{ readonly runs: readonly QueuedRun[]; readonly total: number }>('/queue', { target }, signal),
    refetchInterval: LOOK_AGAIN,
    placeholderData: keepPreviousData,
  })
}
