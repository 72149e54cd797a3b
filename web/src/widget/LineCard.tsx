import { type ReactNode, useMemo, useState } from 'react'
import type { Series } from '../api/series'
import type { Metric } from '../api/types'
import { ChartFrame } from '../charts/ChartFrame'
import type { Crosshair } from '../charts/crosshair'
import { useDark } from '../charts/dark'
import { LineChart } from '../charts/LineChart'
import { NO_SMOOTHING, type Span, type View } from '../charts/types'
import { CardBox } from '../pages/run/metrics/CardBox'
import type { Channel } from './channel'
import type { ChartSettings } from './Metrics'
import { askForLine, chartLine, lineKey, type RunSource, type WantedLine } from './source'
import { useAsked } from './use_asked'
import { useSlowly } from './use_slowly'

interface Props {
  readonly source: RunSource
  readonly channel: Channel
  readonly metric: Metric
  readonly wanted: WantedLine
  readonly settings: ChartSettings
  readonly crosshair: Crosshair
  /** More buttons in the card's head. */
  readonly actions?: ReactNode
}

const HEIGHT = 180
const POINTS = 400
const ZOOMED_POINTS = 1000

/** One metric as a line: as it is sent; a part of it, another axis, and what is not sent is asked for. */
export function LineCard({ source, channel, metric, wanted, settings, crosshair, actions }: Props) {
  const dark = useDark()
  const [span, setSpan] = useState<Span | null>(null)
  const isTable = wanted.column !== undefined
  const x = isTable ? 'step' : settings.x
  const sent = x === 'step' && span === null ? source.lines.get(lineKey(wanted)) : undefined
  const points = span ? ZOOMED_POINTS : POINTS
  const count = useSlowly(metric.count, 2000)
  const asked = useAsked(sent ? null : JSON.stringify([wanted, x, span]), count, (signal) =>
    askForLine(channel, wanted, { x, points, ...(span ? { from: span.from, to: span.to } : {}) }, signal),
  )
  const series = sent ?? (asked.value && sameLine(asked.value, wanted) ? asked.value : undefined)
  const label = wanted.column ?? wanted.name
  const lines = useMemo(() => (series && series.x.length > 0 ? [chartLine(series, label)] : []), [series, label])
  const view = useMemo<View>(
    () => ({
      xKind: isTable ? 'number' : x,
      logX: false,
      logY: settings.logY,
      smoothing: isTable ? NO_SMOOTHING : settings.smoothing,
      window: span,
    }),
    [isTable, x, settings.logY, settings.smoothing, span],
  )
  const title = isTable ? `${wanted.name}: ${wanted.column} over ${wanted.x_column}` : wanted.name
  const xLabel = isTable ? (wanted.x_column ?? '') : x === 'step' ? 'step' : x === 'time' ? 'time' : 'seconds'
  const problem = asked.error?.message ?? (series && typeof series.told.problem === 'string' ? series.told.problem : '')
  return (
    <CardBox>
      <ChartFrame
        title={title}
        note={noteOf(series) || metric.description}
        lines={lines}
        view={view}
        xLabel={xLabel}
        dark={dark}
        actions={actions}
      >
        {problem ? (
          <p role="alert">This metric could not be drawn: {problem}</p>
        ) : (
          <LineChart
            title={title}
            lines={lines}
            view={view}
            height={HEIGHT}
            dark={dark}
            xLabel={isTable ? xLabel : ''}
            crosshair={isTable ? undefined : crosshair}
            onWindow={(window) => setSpan(window)}
            legendRows={1}
          />
        )}
      </ChartFrame>
    </CardBox>
  )
}

function sameLine(series: Series, wanted: WantedLine): boolean {
  return series.run_id === wanted.run_id && lineKey(series) === lineKey(wanted)
}

/** What a line does not show of its metric. */
function noteOf(series: Series | undefined): string {
  if (!series) return ''
  const parts = series.exact ? [] : [`${series.x.length} of ${series.total.toLocaleString('en')} points, band: all`]
  for (const [key, name] of [
    ['nan', 'NaN'],
    ['plus_infinity', '+∞'],
    ['minus_infinity', '−∞'],
  ] as const) {
    const count = series.told[key]
    if (typeof count === 'number' && count > 0) parts.push(`${count.toLocaleString('en')} × ${name}`)
  }
  return parts.join(' · ')
}
