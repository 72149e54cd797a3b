import { Button, SegmentedControl } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useCallback, useMemo } from 'react'
import { metricsQuery } from '../../../api/queries'
import type { RunDetail } from '../../../api/types'
import { createCrosshair } from '../../../charts/crosshair'
import { NO_SMOOTHING, type Span, type View } from '../../../charts/types'
import { Empty } from '../../../parts/Empty'
import { Loading } from '../../../parts/Loading'
import { Problem } from '../../../parts/Problem'
import { useAddress } from '../../../state/address'
import { LineCard } from '../metrics/LineCard'
import { readSpan, writeSpan } from '../metrics/settings'
import classes from './index.module.css'
import { measuresOf } from './measures'

interface Props {
  readonly run: RunDetail
}

/** What a run used of its machine: CPU, memory, GPUs, disk and network over time. */
export default function MonitoringTab({ run }: Props) {
  const address = useAddress()
  const query = useQuery(metricsQuery(run.run_id, 'system'))
  const measures = useMemo(() => measuresOf(query.data?.metrics ?? []), [query.data])
  const xKind = address.get('x') === 'time' ? 'time' : 'relative'
  const zoom = address.get('zoom')
  const view = useMemo<View>(
    () => ({ xKind, logX: false, logY: false, smoothing: NO_SMOOTHING, window: readSpan(zoom) }),
    [xKind, zoom],
  )
  // biome-ignore lint/correctness/useExhaustiveDependencies: a place in the one means nothing in the other
  const crosshair = useMemo(createCrosshair, [xKind])
  const setAddress = address.set
  const onWindow = useCallback(
    (window: Span | null) => setAddress({ zoom: writeSpan(window) }, { push: true }),
    [setAddress],
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
          onChange={(value) => setAddress({ x: value === 'time' ? value : null, zoom: null })}
        />
        {view.window && (
          <Button size="compact-xs" variant="default" onClick={() => setAddress({ zoom: null })}>
            Show all of x
          </Button>
        )}
      </div>
      {sections.map((section) => (
        <section key={section} aria-label={section}>
          <h2 className={classes.heading}>{section}</h2>
          <div className={classes.grid}>
            {measures
              .filter((measure) => measure.section === section)
              .map(({ metric, title, formatY }) => (
                <LineCard
                  key={metric.name}
                  runId={run.run_id}
                  metric={metric}
                  title={title}
                  view={view}
                  xLabel={xKind === 'time' ? 'time (s since 1970)' : 'seconds since start'}
                  crosshair={crosshair}
                  onWindow={onWindow}
                  formatY={formatY}
                />
              ))}
          </div>
        </section>
      ))}
    </>
  )
}
