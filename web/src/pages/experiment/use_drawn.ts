import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { useMemo } from 'react'
import type { RunRow } from '../../api/types'
import { runLabel, runsOf } from './all_runs'

/** The runs that the charts beside the table draw. */
export interface Drawn {
  readonly runIds: readonly string[]
  /** Run id -> colour. */
  readonly slots: ReadonlyMap<string, number>
  /** Run id -> how it is called; a chosen run may be none of those that are loaded. */
  readonly labels: ReadonlyMap<string, string>
}

export const MOST_DRAWN = 200
const FIRST = 8

/** The chosen runs, up to two hundred; where none is chosen, the first ones of the table. */
export function useDrawn(rows: readonly RunRow[], chosen: readonly string[], enabled: boolean): Drawn {
  const first = rows
    .slice(0, FIRST)
    .map(({ run_id }) => run_id)
    .join('\n')
  const runIds = useMemo(
    () => (!enabled ? [] : chosen.length > 0 ? chosen.slice(0, MOST_DRAWN) : first ? first.split('\n') : []),
    [enabled, chosen, first],
  )
  const known = useMemo(() => new Map(rows.map((row) => [row.run_id, runLabel(row)])), [rows])
  const missing = runIds.filter((runId) => !known.has(runId))
  const others = useQuery({
    queryKey: ['runs', 'named', missing],
    queryFn: ({ signal }) => runsOf(missing, signal),
    enabled: missing.length > 0,
    placeholderData: keepPreviousData,
    staleTime: 60_000,
  })
  return useMemo(() => {
    const labels = new Map(known)
    for (const row of others.data ?? []) labels.set(row.run_id, runLabel(row))
    return { runIds, slots: new Map(runIds.map((runId, slot) => [runId, slot])), labels }
  }, [known, others.data, runIds])
}
