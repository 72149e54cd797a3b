import { useQueries } from '@tanstack/react-query'
import { type JSX, useCallback, useMemo } from 'react'
import { metricsQuery } from '../../api/queries'
import type { Metric } from '../../api/types'
import { createCrosshair } from '../../charts/crosshair'
import type { Span } from '../../charts/types'
import { Empty } from '../../parts/Empty'
import { Loading } from '../../parts/Loading'
import { Problem } from '../../parts/Problem'
import { useAddress } from '../../state/address'
import { arrange, type Card, cardKind } from '../run/metrics/arrange'
import { readSettings, viewOf, writeSpan, xLabelOf } from '../run/metrics/settings'
import { Toolbar } from '../run/metrics/Toolbar'
import { VirtualGrid } from '../run/metrics/VirtualGrid'
import { OverlayCard } from './OverlayCard'
import type { ComparedRun } from './runs'

/** Each metric that is a line in any of the runs, with the lines of all that have it. */
export function Overlay({ runs }: { readonly runs: readonly ComparedRun[] }): JSX.Element {
  const address = useAddress()
  const setAddress = address.set
  const settings = useMemo(() => readSettings(address.get), [address])
  const view = useMemo(() => viewOf(settings), [settings])
  // biome-ignore lint/correctness/useExhaustiveDependencies: a place in steps means nothing in seconds
  const crosshair = useMemo(createCrosshair, [settings.x])
  const queries = useQueries({ queries: runs.map((run) => metricsQuery(run.run_id)) })
  const isPending = queries.some((query) => query.isPending)
  const version = queries.map((query) => query.dataUpdatedAt).join(' ')
  // biome-ignore lint/correctness/useExhaustiveDependencies: the version tells when the answers are others
  const { metrics, owners } = useMemo(
    () =>
      union(
        runs,
        queries.map((query) => query.data?.metrics ?? []),
      ),
    [runs, version],
  )
  const search = address.get('find') ?? ''
  const groups = useMemo(() => arrange(metrics, search), [metrics, search])
  const closed = useMemo(() => new Set(address.list('closed').map((name) => (name === '-' ? '' : name))), [address])
  const onWindow = useCallback(
    (window: Span | null) => setAddress({ zoom: writeSpan(window) }, { push: true }),
    [setAddress],
  )
  const toggle = (name: string) => {
    const names = new Set(closed)
    if (!names.delete(name)) names.add(name)
    setAddress({ closed: [...names].map((each) => each || '-') })
  }

  const failed = queries.find((query) => query.isError)
  if (failed) return <Problem error={failed.error} title="The metrics could not be read" />
  if (isPending) return <Loading what="the metrics" />
  if (metrics.length === 0) {
    return (
      <Empty title="None of these runs has a line to draw">
        <p>Values that were logged once are in the tab Differences. A script logs a line with:</p>
        <pre>{'for step in range(100):\n    run.log("loss", 1 / (step + 1))'}</pre>
      </Empty>
    )
  }
  const render = ({ key, metric }: Card) => (
    <OverlayCard
      runs={owners.get(key) ?? []}
      metric={metric}
      view={view}
      xLabel={xLabelOf(settings)}
      crosshair={crosshair}
      onWindow={onWindow}
    />
  )
  return (
    <>
      <Toolbar
        settings={settings}
        address={address}
        found={groups.reduce((sum, group) => sum + group.cards.length, 0)}
        total={metrics.length}
      />
      <VirtualGrid groups={groups} closed={closed} onToggle={toggle} render={render} />
    </>
  )
}

interface Union {
  readonly metrics: readonly Metric[]
  readonly owners: ReadonlyMap<string, readonly ComparedRun[]>
}

/** The metrics that any run has as a line; which runs have it, by the key that a card of it has. */
function union(runs: readonly ComparedRun[], metricsOf: readonly (readonly Metric[])[]): Union {
  const found = new Map<string, Metric>()
  const owners = new Map<string, ComparedRun[]>()
  for (const [index, run] of runs.entries()) {
    for (const metric of metricsOf[index] ?? []) {
      if (metric.namespace !== '') continue
      const key = `${metric.namespace}\n${metric.kind}\n${metric.name}`
      const kind = cardKind(metric)
      if (kind !== 'line' && !(kind === 'tile' && metric.min !== null)) continue
      owners.set(key, [...(owners.get(key) ?? []), run])
      if (kind === 'line' && !found.has(key)) found.set(key, metric)
    }
  }
  return { metrics: [...found.values()], owners }
}
