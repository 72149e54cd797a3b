import { ActionIcon, Modal, useComputedColorScheme } from '@mantine/core'
import { type ReactNode, useMemo, useState } from 'react'
import type { Series } from '../../../api/series'
import type { Metric } from '../../../api/types'
import { ChartFrame } from '../../../charts/ChartFrame'
import type { Crosshair } from '../../../charts/crosshair'
import { LineChart } from '../../../charts/LineChart'
import type { Span, View } from '../../../charts/types'
import { Icon } from '../../../parts/Icon'
import { Problem } from '../../../parts/Problem'
import { CardBox } from './CardBox'
import type { WantedSeries } from './series_batch'
import { useSeries } from './use_lines'

interface Props {
  readonly runId: string
  readonly metric: Metric
  readonly view: View
  readonly xLabel: string
  readonly crosshair?: Crosshair
  readonly onWindow: (window: Span | null) => void
  /** For tables: the column that is drawn, and the one it is drawn over. */
  readonly columns?: { readonly y: string; readonly x: string }
  readonly formatY?: (value: number) => string
  readonly title?: string
  /** More buttons in the card's head. */
  readonly actions?: ReactNode
}

const CARD_POINTS = 1000
const LARGE_POINTS = 4000

/** One metric as a line, in its card; a button shows it large. */
export function LineCard(props: Props) {
  const [large, setLarge] = useState(false)
  const title = props.title ?? props.metric.name
  return (
    <CardBox>
      <Chart {...props} height={200} points={CARD_POINTS} onLarge={() => setLarge(true)} />
      <Modal opened={large} onClose={() => setLarge(false)} title={title} size="90%" centered>
        <Chart {...props} height={Math.round(window.innerHeight * 0.6)} points={LARGE_POINTS} />
      </Modal>
    </CardBox>
  )
}

/** What a line does not show of its metric. */
function noteOf({ exact, x, total, told }: Series): string {
  const parts = exact ? [] : [`${x.length} of ${total.toLocaleString('en')} points, band: all`]
  for (const [key, name] of [
    ['nan', 'NaN'],
    ['plus_infinity', '+∞'],
    ['minus_infinity', '−∞'],
  ] as const) {
    const count = told[key]
    if (typeof count === 'number' && count > 0) parts.push(`${count.toLocaleString('en')} × ${name}`)
  }
  if (told.reordered === true) parts.push('logged in another order than x')
  return parts.join(' · ')
}

interface ChartProps extends Props {
  readonly height: number
  readonly points: number
  readonly onLarge?: () => void
}

function Chart({
  runId,
  metric,
  view,
  xLabel,
  crosshair,
  onWindow,
  columns,
  formatY,
  height,
  points,
  ...rest
}: ChartProps) {
  const dark = useComputedColorScheme('light') === 'dark'
  const title = rest.title ?? metric.name
  const wanted = useMemo<WantedSeries>(
    () => ({
      run_id: runId,
      name: metric.name,
      namespace: metric.namespace,
      ...(columns ? { column: columns.y, x_column: columns.x } : {}),
    }),
    [runId, metric.name, metric.namespace, columns],
  )
  const span = view.window
  const asked = useMemo(
    () => ({
      x: view.xKind === 'number' ? ('step' as const) : view.xKind,
      points,
      ...(span ? { from: span.from, to: span.to } : {}),
    }),
    [view.xKind, span, points],
  )
  const { lines, series, error, problem, refetch, isPending } = useSeries(wanted, asked)
  const note = series ? noteOf(series) : ''
  return (
    <ChartFrame
      title={title}
      note={note || metric.description}
      lines={lines}
      view={view}
      xLabel={xLabel}
      dark={dark}
      formatY={formatY}
      actions={
        <>
          {rest.actions}
          {rest.onLarge && (
            <ActionIcon
              variant="subtle"
              color="gray"
              size="sm"
              aria-label={`Show ${title} large`}
              onClick={rest.onLarge}
            >
              <Icon name="zoom" size={15} />
            </ActionIcon>
          )}
        </>
      }
    >
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
          formatY={formatY}
          onWindow={onWindow}
          legendRows={1}
        />
      )}
      <span aria-live="polite" className="sr-only">
        {isPending ? `Loading ${title}` : ''}
      </span>
    </ChartFrame>
  )
}
