import { ActionIcon } from '@mantine/core'
import { type ReactNode, useMemo, useRef } from 'react'
import type { Series } from '../../../api/series'
import type { Metric } from '../../../api/types'
import { ChartFrame } from '../../../charts/ChartFrame'
import { useDark } from '../../../charts/dark'
import { formatX } from '../../../charts/format'
import { LineChart } from '../../../charts/LineChart'
import { xExtent } from '../../../charts/ranges'
import type { Line, Span, View } from '../../../charts/types'
import type { Unit } from '../../../charts/units'
import { ZoomBar } from '../../../charts/ZoomBar'
import { formatValue } from '../../../parts/format'
import { Icon } from '../../../parts/Icon'
import { Problem } from '../../../parts/Problem'
import { csvAddress } from '../requests'
import { CardBox } from './CardBox'
import type { ChartsContext } from './charts_context'
import classes from './LineCard.module.css'
import { lineWanted, useSeries, windowWanted } from './use_lines'

interface Props {
  readonly runId: string
  readonly metric: Metric
  readonly charts: ChartsContext
  /** For tables: the column that is drawn, and the one it is drawn over. */
  readonly columns?: { readonly y: string; readonly x: string }
  readonly unit?: Unit
  readonly title?: string
  /** More buttons in the card's head. */
  readonly actions?: ReactNode
  /** Shows it enlarged; where it is enlarged there is none. */
  readonly onLarge?: (() => void) | undefined
  /** The plot's height in px where it is enlarged; then it has a bar that zooms. */
  readonly large?: number | undefined
}

/** One metric as a line. */
export function LineCard(props: Props) {
  const { runId, metric, charts, columns, unit, large, onLarge } = props
  const { view, window, xLabel, crosshair } = charts
  const dark = useDark()
  const title = props.title ?? metric.name
  const height = large ?? charts.height
  const wanted = useMemo(() => lineWanted(runId, metric, columns), [runId, metric, columns])
  const asked = useMemo(() => windowWanted(view.xKind, height, window.settled), [view.xKind, window.settled, height])
  const { lines, series, error, problem, refetch, isPending } = useSeries(wanted, asked)
  const drawn = useExtent(lines, window.settled)
  const extent = charts.extentOf?.(metric) ?? drawn
  const note = series ? noteOf(series, view, extent) : ''
  return (
    <CardBox>
      <ChartFrame
        title={title}
        note={note || metric.description}
        lines={lines}
        view={view}
        xLabel={xLabel}
        dark={dark}
        unit={unit}
        allPoints={csvAddress([runId], metric.name, metric.namespace)}
        actions={
          <>
            {props.actions}
            {onLarge && <LargeButton title={title} onLarge={onLarge} />}
          </>
        }
      >
        {large !== undefined && (
          <ZoomBar
            label={`Zoom of ${title}`}
            window={window.drawn}
            extent={extent}
            log={view.logX}
            crosshair={crosshair}
            onWindow={window.show}
          />
        )}
        {error || problem ? (
          <Problem
            title="This metric could not be drawn"
            error={error ?? new Error(problem ?? '')}
            onRetry={() => void refetch()}
          />
        ) : (
          <LineChart
            title={title}
            lines={lines}
            view={view}
            height={height}
            dark={dark}
            xLabel={view.xKind === 'number' ? xLabel : ''}
            crosshair={crosshair}
            unit={unit}
            extent={extent}
            onWindow={window.show}
            legendRows={1}
          />
        )}
        {large !== undefined && <p className={classes.facts}>{factsOf(metric)}</p>}
        <span aria-live="polite" className="sr-only">
          {isPending ? `Loading ${title}` : ''}
        </span>
      </ChartFrame>
    </CardBox>
  )
}

/** Opens a card enlarged. */
export function LargeButton({ title, onLarge }: { readonly title: string; readonly onLarge: () => void }) {
  return (
    <ActionIcon
      variant="subtle"
      color="gray"
      size="sm"
      aria-label={`Show ${title} large`}
      title="Show large"
      onClick={onLarge}
    >
      <Icon name="zoom" size={15} />
    </ActionIcon>
  )
}

/** All of x that the lines have: known since all of it was read, which is not so where a link opened a window. */
function useExtent(lines: readonly Line[], window: Span | null): Span | null {
  const known = useRef<Span | null>(null)
  if (!window && lines.length > 0) known.current = xExtent(lines, false)
  return known.current
}

/** What is known of a metric without its points. */
function factsOf(metric: Metric): string {
  const parts = [
    `${metric.count.toLocaleString('en')} points`,
    ['first', metric.first],
    ['last', metric.last],
    ['min', metric.min],
    ['max', metric.max],
    metric.nan_count > 0 && `${metric.nan_count.toLocaleString('en')} × NaN`,
  ] as const
  return parts
    .flatMap((part) => {
      if (!part || typeof part === 'string') return part || []
      return part[1] === null ? [] : `${part[0]} ${formatValue(part[1])}`
    })
    .join(' · ')
}

/** What a line does not show of its metric. */
function noteOf({ exact, x, total, told }: Series, view: View, extent: Span | null): string {
  if (total === 0 && view.window && extent) {
    return `no points here: they are from ${formatX(extent.from, view.xKind)} to ${formatX(extent.to, view.xKind)}`
  }
  const parts = exact ? [] : [`${x.length.toLocaleString('en')} of ${total.toLocaleString('en')} points, band: all`]
  if (!exact && view.smoothing.kind !== 'none') parts.push('smoothed: those points')
  for (const [key, name] of [
    ['nan', 'NaN'],
    ['plus_infinity', '+∞'],
    ['minus_infinity', '−∞'],
  ] as const) {
    const count = told[key]
    if (typeof count === 'number' && count > 0) parts.push(`${count.toLocaleString('en')} × ${name}`)
  }
  if (told.reordered === true && view.xKind !== 'number') parts.push('logged in another order than x')
  return parts.join(' · ')
}
