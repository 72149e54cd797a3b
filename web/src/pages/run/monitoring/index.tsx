import { SegmentedControl } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useMemo } from 'react'
import { metricsQuery } from '../../../api/queries'
import type { Metric, RunDetail } from '../../../api/types'
import { createCrosshair } from '../../../charts/crosshair'
import { NO_SMOOTHING } from '../../../charts/types'
import { ZoomBar } from '../../../charts/ZoomBar'
import { Empty } from '../../../parts/Empty'
import { Loading } from '../../../parts/Loading'
import { Problem } from '../../../parts/Problem'
import { useAddress } from '../../../state/address'
import type { ChartsContext } from '../metrics/charts_context'
import { LinesCard } from '../metrics/LinesCard'
import { extentOf } from '../metrics/settings'
import type { WantedLine } from '../metrics/use_lines'
import { useSharedWindow } from '../metrics/use_window'
import classes from './index.module.css'
import { type Measure, measuresOf } from './measures'

interface Props {
  readonly run: RunDetail
}

const HEIGHT = 170

/** What a run used of its machine: CPU, memory, GPUs, disk and network over time. */
export default function MonitoringTab({ run }: Props) {
  const address = useAddress()
  const query = useQuery(metricsQuery(run.run_id, 'system'))
  const gpuBytes = useMemo(() => gpuBytesOf(run.machine), [run.machine])
  const measures = useMemo(() => measuresOf(query.data?.metrics ?? [], gpuBytes), [query.data, gpuBytes])
  const xKind = address.get('x') === 'time' ? 'time' : 'relative'
  const window = useSharedWindow()
  // biome-ignore lint/correctness/useExhaustiveDependencies: a place in the one means nothing in the other
  const crosshair = useMemo(createCrosshair, [xKind])
  const extent = useMemo(
    () => extentOf(query.data?.metrics ?? [], xKind, Date.parse(run.started ?? run.created)),
    [query.data, xKind, run.started, run.created],
  )
  if (query.isPending) return <Loading what="what was sampled" />
  if (query.error) {
    return <Problem title="The samples could not be read" error={query.error} onRetry={() => void query.refetch()} />
  }
  if (measures.length === 0) {
    return (
      <Empty title="Nothing was sampled of the machine">
        Submitted runs are sampled every few seconds. Interactive runs, and those that end before the first sample, are
        not.
      </Empty>
    )
  }
  const charts: ChartsContext = {
    view: { xKind, logX: false, logY: false, smoothing: NO_SMOOTHING, window: window.drawn },
    window,
    extent,
    xLabel: xKind === 'time' ? 'time (s since 1970)' : 'seconds since start',
    crosshair,
    height: HEIGHT,
  }
  const sections = [...new Set(measures.map(({ section }) => section))]
  return (
    <>
      <div className={classes.bar}>
        <SegmentedControl
          size="xs"
          aria-label="x axis"
          data={[
            { value: 'relative', label: 'Since the start' },
            { value: 'time', label: 'Time' },
          ]}
          value={xKind}
          onChange={(value) => address.set({ x: value === 'time' ? value : null, zoom: null })}
        />
        <ZoomBar
          label="Zoom of all charts"
          window={window.drawn}
          extent={extent}
          log={false}
          crosshair={crosshair}
          onWindow={window.show}
        />
      </div>
      {sections.map((section) => (
        <section key={section} aria-label={section}>
          <h2 className={classes.heading}>{section}</h2>
          <div className={classes.grid}>
            {measures
              .filter((measure) => measure.section === section)
              .map((measure) => (
                <MeasureCard key={measure.key} runId={run.run_id} measure={measure} charts={charts} />
              ))}
          </div>
        </section>
      ))}
    </>
  )
}

interface CardProps {
  readonly runId: string
  readonly measure: Measure
  readonly charts: ChartsContext
}

function MeasureCard({ runId, measure, charts }: CardProps) {
  const { lines, unit, title } = measure
  const names = lines.map(({ metric }) => metric.name).join('\n')
  // biome-ignore lint/correctness/useExhaustiveDependencies: the names tell which lines are wanted
  const wanted = useMemo(() => wantedOf(runId, lines), [runId, names])
  return (
    <LinesCard
      title={title}
      wanted={wanted}
      charts={{ ...charts, view: { ...charts.view, showsY: unit.shows } }}
      unit={unit}
      legendRows={Math.min(lines.length, 8)}
    />
  )
}

function wantedOf(runId: string, lines: readonly { readonly metric: Metric; readonly label: string }[]): WantedLine[] {
  return lines.map(({ metric, label }, slot) => ({
    series: { run_id: runId, name: metric.name, namespace: metric.namespace },
    label,
    slot,
    owner: metric.name,
  }))
}

function gpuBytesOf(machine: RunDetail['machine']): number {
  const gpus = Array.isArray(machine?.gpus) ? (machine.gpus as readonly { memory_bytes?: unknown }[]) : []
  return Math.max(0, ...gpus.map(({ memory_bytes: bytes }) => (typeof bytes === 'number' ? bytes : 0)))
}
