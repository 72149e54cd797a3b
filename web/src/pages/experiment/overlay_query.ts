import { queryOptions } from '@tanstack/react-query'
import { fetchSeries, type SeriesName, type SeriesX } from '../../api/series'
import type { Span } from '../../charts/types'

/** The lines of the charts beside the table. */

const MOST_SERIES = 500
const POINTS = 400
/** Of so many lines over each other one does not see more points than these. */
const CROWD = 50
const CROWD_POINTS = 200

/** The lines of some metrics of some runs. */
export function overlayQuery(metrics: readonly string[], runs: readonly string[], x: SeriesX, span: Span | null) {
  const wanted = requestsFor(metrics, runs)
  return queryOptions({
    // Under 'runs': it is read again for every change of the experiment's runs.
    queryKey: ['runs', 'overlay', wanted, x, span] as const,
    queryFn: async ({ signal }) => {
      const asked = { x, from: span?.from, to: span?.to, points: runs.length > CROWD ? CROWD_POINTS : POINTS }
      return (await Promise.all(wanted.map((series) => fetchSeries({ ...asked, series }, signal)))).flat()
    },
    enabled: wanted.length > 0,
    structuralSharing: false,
  })
}

/** The x axis that an address asks for. */
export function readX(text: string | null): SeriesX {
  return (text ?? 'step') as SeriesX
}

/** The part of the x axis that an address asks for; null: all of it. */
export function readSpan(text: string | null): Span | null {
  const [from, to] = (text ?? '').split('_').map(Number)
  return text && from !== undefined && to !== undefined && Number.isFinite(from) && from < to ? { from, to } : null
}

/** The lines of all metrics, as many in one request as the API takes; those of one metric stay together. */
function requestsFor(metrics: readonly string[], runs: readonly string[]): SeriesName[][] {
  const together = Math.max(1, Math.floor(MOST_SERIES / Math.max(1, runs.length)))
  const requests: SeriesName[][] = []
  for (let start = 0; start < metrics.length && runs.length > 0; start += together) {
    const some = metrics.slice(start, start + together)
    requests.push(some.flatMap((name) => runs.map((run_id) => ({ run_id, name }))))
  }
  return requests
}
