import { useEffect, useMemo, useState } from 'react'
import { decodeSeries, type Series, type SeriesX } from '../api/series'
import type { Metric } from '../api/types'
import type { Line } from '../charts/types'
import { cardKind } from '../pages/run/metrics/arrange'
import { askFor, askForBytes, type Channel } from './channel'
import { bytesOf, type MetricsPart, type Parts, type RunPart, usePart, type WidgetModel } from './model'

/** One run as the tabs show it. What is null has not come, or is asked for by the tab itself. */
export interface RunSource extends Partial<Parts> {
  readonly runId: string
  /** Lines that are here, by `lineKey`. */
  readonly lines: ReadonlyMap<string, Series>
  /** Whether the kernel sends what changes; else it is asked again and again. */
  readonly isSent: boolean
  readonly error: Error | null
}

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] }

const ENDED: readonly string[] = ['Completed', 'Failed', 'Canceled']
const AGAIN_MS = 2000
const MOST_LINES = 24
const POINTS = 400

export function isEnded(status: string | undefined): boolean {
  return status !== undefined && ENDED.includes(status)
}

export interface WantedLine {
  readonly run_id: string
  readonly name: string
  readonly column?: string
  readonly x_column?: string
}

export function lineKey(line: { readonly name: string; readonly column?: string | null }): string {
  return `${line.name}\n${line.column ?? ''}`
}

/** The line that a metric is drawn as; null where it is drawn as something else. */
export function wantedLine(runId: string, metric: Metric): WantedLine | null {
  if (cardKind(metric) === 'line') return { run_id: runId, name: metric.name }
  const [x, y] = metric.columns
  if (metric.kind !== 'table' || metric.columns.length !== 2 || metric.count < 2 || !x || !y) return null
  return { run_id: runId, name: metric.name, column: y, x_column: x }
}

/** A line as the charts take it. */
export function chartLine(series: Series, label: string): Line {
  return {
    id: lineKey(series),
    label,
    slot: 0,
    x: series.x,
    y: series.y,
    low: series.min ?? undefined,
    high: series.max ?? undefined,
    exact: series.exact,
    total: series.total,
  }
}

function decoded(view: DataView | null): ReadonlyMap<string, Series> {
  if (!view) return new Map()
  // Arrays of numbers begin at a multiple of eight bytes, which a message's part need not.
  return new Map(decodeSeries(bytesOf(view).slice().buffer).map((each) => [lineKey(each), each]))
}

export interface SeriesWindow {
  readonly x: SeriesX
  readonly from?: number
  readonly to?: number
  readonly points: number
}

export async function askForLine(
  channel: Channel,
  wanted: WantedLine,
  window: SeriesWindow,
  signal: AbortSignal,
): Promise<Series | null> {
  const view = await askForBytes(channel, { ask: 'series', series: [wanted], ...window }, signal)
  return decodeSeries(bytesOf(view).slice().buffer)[0] ?? null
}

/** The run that the widget is about: the kernel sends it. */
export function useSentRun(model: WidgetModel): RunSource {
  const run = usePart(model, 'run')
  const metrics = usePart(model, 'metrics')
  const series = usePart(model, 'series')
  const values = usePart(model, 'values')
  const images = usePart(model, 'images')
  const logs = usePart(model, 'logs')
  const children = usePart(model, 'children')
  const trials = usePart(model, 'trials')
  const told = usePart(model, 'told')
  const lines = useMemo(() => decoded(series), [series])
  const source: Mutable<RunSource> = { runId: String(model.get('run_id')), lines, isSent: true, error: null }
  if (run) source.run = run
  if (metrics) source.metrics = metrics
  if (values) source.values = values
  if (images) source.images = images
  if (logs) source.logs = logs
  if (children) source.children = children
  if (trials) source.trials = trials
  if (told) source.told = told
  return source
}

interface AskedRun {
  readonly runId: string
  readonly run: RunPart | null
  readonly metrics: MetricsPart | null
  readonly lines: ReadonlyMap<string, Series>
  readonly error: Error | null
}

/** A child run: it is asked for while it is looked at. */
export function useAskedRun(channel: Channel, runId: string): RunSource {
  const [found, setFound] = useState<AskedRun>({ runId, run: null, metrics: null, lines: new Map(), error: null })
  useEffect(() => {
    const abort = new AbortController()
    const { signal } = abort
    let timer = 0
    const look = async () => {
      let isOver = false
      try {
        const run = await askFor<RunPart>(channel, { ask: 'run', run_id: runId }, signal)
        const metrics = await askFor<MetricsPart>(channel, { ask: 'metrics', run_id: runId }, signal)
        const wanted = metrics.metrics.map((metric) => wantedLine(runId, metric)).filter((each) => each !== null)
        const series =
          wanted.length > 0
            ? await askForBytes(
                channel,
                { ask: 'series', series: wanted.slice(0, MOST_LINES), x: 'step', points: POINTS },
                signal,
              )
            : null
        setFound({ runId, run, metrics, lines: decoded(series), error: null })
        isOver = isEnded(run.run.status)
      } catch (error) {
        if (signal.aborted) return
        setFound((before) => ({ ...before, error: error instanceof Error ? error : new Error(String(error)) }))
      }
      if (!isOver && !signal.aborted) timer = window.setTimeout(() => void look(), AGAIN_MS)
    }
    void look()
    return () => {
      abort.abort()
      clearTimeout(timer)
    }
  }, [channel, runId])
  const isHere = found.runId === runId
  const source: Mutable<RunSource> = {
    runId,
    lines: isHere ? found.lines : new Map(),
    isSent: false,
    error: isHere ? found.error : null,
  }
  if (isHere && found.run) source.run = found.run
  if (isHere && found.metrics) source.metrics = found.metrics
  return source
}
