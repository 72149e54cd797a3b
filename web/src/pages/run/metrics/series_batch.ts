import { fetchSeries, type Series, type SeriesName, type SeriesX } from '../../../api/series'

/** A metric's line; of a table one column, over `x_column` in place of step or time where that is given. */
export interface WantedSeries extends SeriesName {
  readonly x_column?: string
}

/** What all series of a request have in common. */
export interface SeriesWindow {
  readonly x: SeriesX
  readonly from?: number
  readonly to?: number
  readonly points: number
}

interface Waiting {
  readonly wanted: WantedSeries
  readonly done: (series: Series) => void
  readonly fail: (error: unknown) => void
  readonly signal: AbortSignal | undefined
}

/** The most series that the API takes in one request. */
const MOST = 500

const waiting = new Map<string, { window: SeriesWindow; list: Waiting[] }>()

/** One series. What is asked for in the same moment with the same window travels in one request. */
export function loadSeries(wanted: WantedSeries, window: SeriesWindow, signal?: AbortSignal): Promise<Series> {
  return new Promise((done, fail) => {
    const key = `${window.x} ${window.from} ${window.to} ${window.points}`
    const batch = waiting.get(key) ?? { window, list: [] }
    if (batch.list.length === 0) {
      waiting.set(key, batch)
      setTimeout(() => {
        waiting.delete(key)
        void send(batch.list, window)
      })
    }
    batch.list.push({ wanted, done, fail, signal })
  })
}

async function send(list: readonly Waiting[], window: SeriesWindow): Promise<void> {
  const alive = list.filter(({ signal, fail }) => {
    if (signal?.aborted) fail(signal.reason)
    return !signal?.aborted
  })
  for (let start = 0; start < alive.length; start += MOST) {
    const part = alive.slice(start, start + MOST)
    const controller = new AbortController()
    const look = () => {
      if (part.every(({ signal }) => signal?.aborted)) controller.abort()
    }
    for (const { signal } of part) signal?.addEventListener('abort', look)
    try {
      const answer = await fetchSeries({ ...window, series: part.map(({ wanted }) => wanted) }, controller.signal)
      for (const [i, { done, fail }] of part.entries()) {
        const series = answer[i]
        if (series) done(series)
        else fail(new Error('the portal sent fewer series than were asked for; reload the page'))
      }
    } catch (error) {
      for (const { fail } of part) fail(error)
    } finally {
      for (const { signal } of part) signal?.removeEventListener('abort', look)
    }
  }
}
