import { queryOptions, useQuery } from '@tanstack/react-query'
import { useMemo } from 'react'
import type { Series } from '../../../api/series'
import type { Line } from '../../../charts/types'
import { loadSeries, type SeriesWindow, type WantedSeries } from './series_batch'

/** A line as the charts take it. */
export function lineOf(series: Series, label: string, slot: number, shape?: Line['shape']): Line {
  return {
    id: `${series.run_id}\n${series.name}\n${series.column ?? ''}`,
    label,
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

function seriesQuery(wanted: WantedSeries, window: SeriesWindow) {
  return queryOptions({
    queryKey: ['series', wanted.run_id, wanted, window] as const,
    queryFn: ({ signal }) => loadSeries(wanted, window, signal),
    structuralSharing: false,
  })
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
    () => (series && series.x.length > 0 ? [lineOf(series, wanted.column || wanted.name, 0)] : []),
    [series, wanted.column, wanted.name],
  )
  return { ...query, series, lines, problem }
}
