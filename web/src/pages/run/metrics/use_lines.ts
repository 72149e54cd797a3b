import { queryOptions, useQueries, useQuery } from '@tanstack/react-query'
import { useMemo, useRef } from 'react'
import type { Series } from '../../../api/series'
import type { Metric } from '../../../api/types'
import type { Line, Span, XKind } from '../../../charts/types'
import { loadSeries, type SeriesWindow, type WantedSeries } from './series_batch'

/** A line as the charts take it. */
export function lineOf(series: Series, label: string, slot: number, shape?: Line['shape']): Line {
  return {
    id: `${series.run_id}\n${series.name}\n${series.column ?? ''}`,
    label,
    owner: series.run_id,
    slot,
    x: series.x,
    y: series.y,
    low: series.min ?? undefined,
    high: series.max ?? undefined,
    exact: series.exact,
    total: series.total,
    shape,
  }
}

/** Whether a table's rows go to and fro along x: a line through them in the order of x would be another shape. */
function isScattered(series: Series, wanted: WantedSeries): boolean {
  return wanted.x_column !== undefined && series.told.reordered === true
}

export function seriesQuery(wanted: WantedSeries, window: SeriesWindow) {
  return queryOptions({
    queryKey: ['series', wanted.run_id, wanted, window] as const,
    queryFn: ({ signal }) => loadSeries(wanted, window, signal),
    structuralSharing: false,
    // New points are told (see api/live.ts), so looking at the tab again is no reason to ask.
    staleTime: 5 * 60_000,
  })
}

/** The points that are asked for: about two for each pixel of a line's width. */
const POINTS = 1000
const LARGE_POINTS = 4000
const WIDE = 300

/** The line of a metric; of a table's column over another one where they are given. */
export function lineWanted(
  runId: string,
  metric: Metric,
  columns?: { readonly y: string; readonly x: string },
): WantedSeries {
  return {
    run_id: runId,
    name: metric.name,
    namespace: metric.namespace,
    ...(columns ? { column: columns.y, x_column: columns.x } : {}),
  }
}

/** What is asked for of a line that is drawn so high (px), all of it or a window. */
export function windowWanted(x: XKind, height: number, window: Span | null): SeriesWindow {
  return {
    x: x === 'number' ? 'step' : x,
    points: height > WIDE ? LARGE_POINTS : POINTS,
    ...(window ? { from: window.from, to: window.to } : {}),
  }
}

/** Whether two series are of the same run, metric and columns. */
function isSame(a: WantedSeries, b: WantedSeries): boolean {
  return (
    a.run_id === b.run_id &&
    a.name === b.name &&
    a.namespace === b.namespace &&
    a.column === b.column &&
    a.x_column === b.x_column
  )
}

/** The lines of one metric; the last ones stay until those of a new window are here. */
export function useSeries(wanted: WantedSeries, window: SeriesWindow) {
  const query = useQuery({
    ...seriesQuery(wanted, window),
    // Keeps the line of another window until that of this one is here; never another axis's, run's or metric's.
    placeholderData: (last, query) => {
      const [, , lastWanted, lastWindow] = query?.queryKey ?? []
      return lastWanted && isSame(lastWanted, wanted) && lastWindow?.x === window.x ? last : undefined
    },
  })
  const series = query.data
  const problem = typeof series?.told.problem === 'string' ? series.told.problem : null
  const lines = useMemo(
    () =>
      series && series.x.length > 0
        ? [lineOf(series, wanted.column || wanted.name, 0, isScattered(series, wanted) ? 'points' : 'line')]
        : [],
    [series, wanted],
  )
  return { ...query, series, lines, problem }
}

/** A series that is to be one of a chart's lines. */
export interface WantedLine {
  readonly series: WantedSeries
  readonly label: string
  readonly slot: number
  /** With whose lines it stands out; with those of its run if none is named. */
  readonly owner?: string
}

/** The lines of several series; those of another window stay until the new ones are here. */
export function useManyLines(wanted: readonly WantedLine[], window: SeriesWindow) {
  const answers = useQueries({ queries: wanted.map(({ series }) => seriesQuery(series, window)) })
  const kept = useRef<{ x: SeriesWindow['x']; series: Map<string, Series> }>({ x: window.x, series: new Map() })
  const version = answers.map((answer) => answer.dataUpdatedAt).join(' ')
  // biome-ignore lint/correctness/useExhaustiveDependencies: the version tells when the answers are others
  const lines = useMemo(() => {
    if (kept.current.x !== window.x) kept.current = { x: window.x, series: new Map() }
    const last = kept.current.series
    const found: Line[] = []
    for (const [at, { series, label, slot, owner }] of wanted.entries()) {
      const key = `${series.run_id}\n${series.namespace ?? ''}\n${series.name}`
      const data = answers[at]?.data ?? last.get(key)
      if (!data) continue
      last.set(key, data)
      if (data.x.length > 0) found.push({ ...lineOf(data, label, slot), ...(owner ? { owner } : {}) })
    }
    return found
  }, [version, wanted, window.x])
  const error = answers.find((answer) => answer.error)?.error ?? null
  const refetch = () => {
    for (const answer of answers) if (answer.error) void answer.refetch()
  }
  return { lines, error, refetch, isPending: answers.some((answer) => answer.isPending) }
}
