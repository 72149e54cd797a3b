import { useQuery } from '@tanstack/react-query'
import { useCallback, useMemo } from 'react'
import { metricsQuery } from '../../../api/queries'
import type { RunDetail } from '../../../api/types'
import { createCrosshair } from '../../../charts/crosshair'
import type { Span } from '../../../charts/types'
import { Empty } from '../../../parts/Empty'
import { Loading } from '../../../parts/Loading'
import { Problem } from '../../../parts/Problem'
import { useAddress } from '../../../state/address'
import { arrange, type Card, cardKind } from './arrange'
import { LineCard } from './LineCard'
import { StructuredCard } from './StructuredCard'
import { readSettings, viewOf, writeSpan, xLabelOf } from './settings'
import { TableCard } from './TableCard'
import { TileCard } from './TileCard'
import { Toolbar } from './Toolbar'
import { VirtualGrid } from './VirtualGrid'

interface Props {
  readonly run: RunDetail
}

/** Every metric of a run, each by its kind. */
export default function MetricsTab({ run }: Props) {
  const runId = run.run_id
  const address = useAddress()
  const metrics = useQuery(metricsQuery(runId))
  const settings = useMemo(() => readSettings(address.get), [address])
  const view = useMemo(() => viewOf(settings), [settings])
  const search = address.get('find') ?? ''
  const closed = useMemo(() => new Set(address.list('closed').map((name) => (name === '-' ? '' : name))), [address])
  const groups = useMemo(() => arrange(metrics.data?.metrics ?? [], search), [metrics.data, search])
  // biome-ignore lint/correctness/useExhaustiveDependencies: a place in steps means nothing in seconds
  const crosshair = useMemo(createCrosshair, [settings.x])
  const setAddress = address.set
  const onWindow = useCallback(
    (window: Span | null) => setAddress({ zoom: writeSpan(window) }, { push: true }),
    [setAddress],
  )
  const toggle = (name: string) => {
    const names = new Set(closed)
    if (!names.delete(name)) names.add(name)
    setAddress({ closed: [...names].map((each) => each || '-') })
  }

  if (metrics.isPending) return <Loading what="the metrics" />
  if (metrics.error) {
    return (
      <Problem title="The metrics could not be read" error={metrics.error} onRetry={() => void metrics.refetch()} />
    )
  }
  const shown = metrics.data.metrics.filter((metric) => cardKind(metric) !== null)
  if (shown.length === 0) {
    return (
      <Empty title="This run has no metrics">
        <p>A script logs one with:</p>
        <pre>run.log("mse", 0.1)</pre>
        {metrics.data.metrics.length > 0 && <p>Its images are in the tab Images.</p>}
      </Empty>
    )
  }
  const render = (card: Card) => {
    const { metric } = card
    switch (card.kind) {
      case 'line':
        return (
          <LineCard
            runId={runId}
            metric={metric}
            view={view}
            xLabel={xLabelOf(settings)}
            crosshair={crosshair}
            onWindow={onWindow}
          />
        )
      case 'table':
        return <TableCard runId={runId} metric={metric} view={view} />
      case 'tile':
        return <TileCard runId={runId} metric={metric} />
      case 'structured':
        return <StructuredCard runId={runId} metric={metric} />
    }
  }
  return (
    <>
      <h2 className="sr-only">Metrics</h2>
      <Toolbar
        settings={settings}
        address={address}
        found={groups.reduce((sum, group) => sum + group.cards.length, 0)}
        total={shown.length}
      />
      {groups.length === 0 ? (
        <Empty title="No metric has this name">Each word of the search must be in the name.</Empty>
      ) : (
        <VirtualGrid groups={groups} closed={closed} onToggle={toggle} render={render} />
      )}
    </>
  )
}
