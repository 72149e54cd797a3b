import { ActionIcon, Modal, useComputedColorScheme } from '@mantine/core'
import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { type JSX, useMemo, useState } from 'react'
import { fetchSeries } from '../../api/series'
import type { Metric } from '../../api/types'
import { ChartFrame } from '../../charts/ChartFrame'
import type { Crosshair } from '../../charts/crosshair'
import { LineChart } from '../../charts/LineChart'
import type { Span, View } from '../../charts/types'
import { Icon } from '../../parts/Icon'
import { Problem } from '../../parts/Problem'
import { CardBox } from '../run/metrics/CardBox'
import { lineOf } from '../run/metrics/use_lines'
import type { ComparedRun } from './runs'

interface Properties {
  readonly runs: readonly ComparedRun[]
  readonly metric: Metric
  readonly view: View
  readonly xLabel: string
  readonly crosshair: Crosshair
  readonly onWindow: (window: Span | null) => void
}

const CARD_POINTS = 600
const LARGE_POINTS = 3000

/** One metric of several runs in one chart; a button shows it large. */
export function OverlayCard(props: Properties): JSX.Element {
  const [isLarge, setLarge] = useState(false)
  return (
    <CardBox>
      <Overlaid {...props} height={200} points={CARD_POINTS} legendRows={2} onLarge={() => setLarge(true)} />
      <Modal
        closeButtonProps={{ 'aria-label': 'Close' }}
        opened={isLarge}
        onClose={() => setLarge(false)}
        title={props.metric.name}
        size="90%"
        centered
      >
        <Overlaid {...props} height={Math.round(window.innerHeight * 0.55)} points={LARGE_POINTS} legendRows={12} />
      </Modal>
    </CardBox>
  )
}

interface OverlaidProperties extends Properties {
  readonly height: number
  readonly points: number
  readonly legendRows: number
  readonly onLarge?: () => void
}

function Overlaid(props: OverlaidProperties): JSX.Element {
  const { runs, metric, view, xLabel, crosshair, onWindow, height, points, legendRows, onLarge } = props
  const dark = useComputedColorScheme('light') === 'dark'
  const span = view.window
  const x = view.xKind === 'number' ? 'step' : view.xKind
  const ids = runs.map((run) => run.run_id)
  const query = useQuery({
    queryKey: ['series', 'overlay', ids, metric.namespace, metric.name, x, span, points],
    queryFn: ({ signal }) => {
      const series = ids.map((run_id) => ({ run_id, name: metric.name, namespace: metric.namespace }))
      return fetchSeries({ series, x, points, ...(span ? { from: span.from, to: span.to } : {}) }, signal)
    },
    placeholderData: keepPreviousData,
    structuralSharing: false,
  })
  const lines = useMemo(
    () =>
      (query.data ?? []).flatMap((series) => {
        const run = runs.find((each) => each.run_id === series.run_id)
        return run && series.x.length > 0 ? [lineOf(series, run.name, run.slot)] : []
      }),
    [query.data, runs],
  )
  return (
    <ChartFrame
      title={metric.name}
      note={lines.some((line) => !line.exact) ? 'band: all points' : metric.description}
      lines={lines}
      view={view}
      xLabel={xLabel}
      dark={dark}
      actions={
        onLarge && (
          <ActionIcon
            variant="subtle"
            color="gray"
            size="sm"
            aria-label={`Show ${metric.name} large`}
            onClick={onLarge}
          >
            <Icon name="zoom" size={15} />
          </ActionIcon>
        )
      }
    >
      {query.isError ? (
        <Problem error={query.error} title="This metric could not be drawn" onRetry={() => void query.refetch()} />
      ) : (
        <LineChart
          title={metric.name}
          lines={lines}
          view={view}
          height={height}
          dark={dark}
          crosshair={crosshair}
          onWindow={onWindow}
          legendRows={legendRows}
        />
      )}
    </ChartFrame>
  )
}
