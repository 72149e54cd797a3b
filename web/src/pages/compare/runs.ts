import { queryOptions } from '@tanstack/react-query'
import { send } from '../../api/http'

/** A run as the compare page shows it. */
export interface ComparedRun {
  readonly run_id: string
  readonly name: string
  readonly number: number
  readonly experiment: string
  readonly status: string
  /** When it began, in ms since 1970. */
  readonly startMs: number
  /** Its place in the palette of colours. */
  readonly slot: number
}

/** A fact in which the runs differ: what each of them has. */
export interface Difference {
  readonly name: string
  readonly same: boolean
  /** A run that does not have it is left out. */
  readonly values: Readonly<Record<string, unknown>>
}

export const KINDS = [
  'parameters',
  'metrics',
  'tags',
  'code',
  'environment',
  'definition',
  'properties',
  'machine',
  'run',
] as const
export type DifferenceKind = (typeof KINDS)[number]

export interface Comparison {
  readonly left_out: number
  readonly differences: Readonly<Partial<Record<DifferenceKind, readonly Difference[]>>>
}

/** What differs between the runs, or (`everything`) all that is known of them. */
export function comparisonQuery(runs: readonly ComparedRun[], everything = false) {
  const runIds = runs.map((run) => run.run_id)
  return queryOptions({
    queryKey: ['runs', 'compare', runIds, everything],
    queryFn: ({ signal }) => send<Comparison>('POST', '/compare', { run_ids: runIds, all: everything }, signal),
    enabled: runIds.length > 0,
  })
}
