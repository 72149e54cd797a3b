import { useQueries, useQueryClient } from '@tanstack/react-query'
import { useMemo } from 'react'
import { useChanges } from '../../api/live'
import { fetchSeries, type Series } from '../../api/series'
import type { RunRow } from '../../api/types'
import { metricColumn, splitColumn } from './columns'

/** Small charts for the rows that are seen, a few dozen rows in one request. */

export type Sparklines = ReadonlyMap<string, Series>

const REDUCTIONS = ['last', 'min', 'max'] as const
const ROWS = 20
const POINTS = 40
const MOST_SERIES = 500

export function sparklineKey(runId: string, metric: string): string {
  return `${runId}\n${metric}`
}

interface Wanted {
  readonly run_id: string
  readonly name: string
}

/** Rows `first`…`last` in blocks that stay the same while the table is scrolled. */
export function blocksOf(rows: readonly RunRow[], first: number, last: number, metrics: readonly string[]): Wanted[][] {
  const blocks: Wanted[][] = []
  if (metrics.length === 0) return blocks
  for (let at = Math.floor(first / ROWS) * ROWS; at <= last && at < rows.length; at += ROWS) {
    const block = rows
      .slice(at, at + ROWS)
      .flatMap((row) =>
        metrics
          .filter((name) => REDUCTIONS.some((each) => row.values[metricColumn(name, each)] != null))
          .map((name) => ({ run_id: row.run_id, name })),
      )
    if (block.length > 0) blocks.push(block.slice(0, MOST_SERIES))
  }
  return blocks
}

export function useSparklines(
  experiment: string,
  rows: readonly RunRow[],
  columns: readonly string[],
  seen: { readonly first: number; readonly last: number },
  enabled: boolean,
): Sparklines {
  const client = useQueryClient()
  const metrics = useMemo(
    () => [...new Set(columns.map(splitColumn).flatMap((each) => (each?.kind === 'metrics' ? [each.name] : [])))],
    [columns],
  )
  const blocks = enabled ? blocksOf(rows, seen.first, seen.last, metrics) : []
  useChanges({ experiment }, (change) => {
    if (change.kind !== 'metrics') return
    const changed = new Set(change.run_ids)
    void client.invalidateQueries({
      queryKey: ['sparklines'],
      predicate: ({ queryKey }) =>
        changed.size === 0 || (queryKey[1] as Wanted[]).some((each) => changed.has(each.run_id)),
    })
  })
  return useQueries({
    queries: blocks.map((series) => ({
      queryKey: ['sparklines', series],
      queryFn: ({ signal }: { signal: AbortSignal }) => fetchSeries({ series, x: 'step', points: POINTS }, signal),
      staleTime: Number.POSITIVE_INFINITY,
      gcTime: 60_000,
      retry: false,
    })),
    combine: asMap,
  })
}

function asMap(results: readonly { readonly data: Series[] | undefined }[]): Sparklines {
  const found = new Map<string, Series>()
  for (const { data } of results) {
    for (const series of data ?? []) found.set(sparklineKey(series.run_id, series.name), series)
  }
  return found
}
