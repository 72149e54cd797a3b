import { useQuery } from '@tanstack/react-query'
import { useMemo } from 'react'
import { metricsQuery } from '../../../api/queries'
import type { RunDetail } from '../../../api/types'
import { createCrosshair } from '../../../charts/crosshair'
import { ZoomBar } from '../../../charts/ZoomBar'
import { Empty } from '../../../parts/Empty'
import { Loading } from '../../../parts/Loading'
import { Problem } from '../../../parts/Problem'
import { useAddress } from '../../../state/address'
import { arrange, type Card, cardKind } from './arrange'
import { cardId } from './card_state'
import type { ChartsContext } from './charts_context'
import { Enlarged } from './Enlarged'
import { LineCard } from './LineCard'
import { StructuredCard } from './StructuredCard'
import { extentOf, heightOf, readSettings, viewOf, xLabelOf } from './settings'
import { TableCard } from './TableCard'
import { TileCard } from './TileCard'
import { ChartControls, Toolbar } from './Toolbar'
import { useSharedWindow } from './use_window'
import { useGroups, VirtualGrid } from './VirtualGrid'

interface Props {
  readonly run: RunDetail
}

/** Every metric of a run, each by its kind. */
export default function MetricsTab({ run }: Props) {
  const runId = run.run_id
  const address = useAddress()
  const metrics = useQuery(metricsQuery(runId))
  const settings = useMemo(() => readSettings(address.get), [address])
  const window = useSharedWindow()
  const view = useMemo(() => viewOf(settings, window.drawn), [settings, window.drawn])
  const search = address.get('find') ?? ''
  const groups = useMemo(() => arrange(metrics.data?.metrics ?? [], search), [metrics.data, search])
  const closing = useGroups(address)
  // biome-ignore lint/correctness/useExhaustiveDependencies: a place in steps means nothing in seconds
  const crosshair = useMemo(createCrosshair, [settings.x])
  const cards = useMemo(() => groups.flatMap((group) => group.cards), [groups])
  const startMs = Date.parse(run.started ?? run.created)
  const extent = useMemo(() => {
    const lines = cards.filter((card) => card.kind === 'line').map((card) => card.metric)
    return extentOf(lines, settings.x, startMs)
  }, [cards, settings.x, startMs])

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
  const charts: ChartsContext = {
    view,
    window,
    extent,
    extentOf: (metric) => extentOf([metric], settings.x, startMs),
    xLabel: xLabelOf(settings),
    crosshair,
    height: heightOf(settings.size, cards.filter((card) => card.kind !== 'tile').length),
  }
  const onShow = (id: string | null) => address.set({ large: id }, { push: true })
  const render = (card: Card, large?: number) => {
    const { metric } = card
    const onLarge = large === undefined ? () => onShow(cardId(metric)) : undefined
    switch (card.kind) {
      case 'line':
        return <LineCard runId={runId} metric={metric} charts={charts} onLarge={onLarge} large={large} />
      case 'table':
        return <TableCard runId={runId} metric={metric} charts={charts} onLarge={onLarge} large={large} />
      case 'tile':
        return <TileCard runId={runId} metric={metric} onLarge={onLarge} />
      case 'structured':
        return <StructuredCard runId={runId} metric={metric} charts={charts} onLarge={onLarge} large={large} />
    }
  }
  return (
    <>
      <h2 className="sr-only">Metrics</h2>
      <Toolbar
        settings={settings}
        address={address}
        found={cards.length}
        total={shown.length}
        groups={groups.map((group) => group.name)}
        closed={closing.closed}
        onClose={closing.close}
        zoom={
          extent && (
            <ZoomBar
              label="Zoom of all charts"
              window={window.drawn}
              extent={extent}
              log={view.logX}
              crosshair={crosshair}
              onWindow={window.show}
            />
          )
        }
      />
      {groups.length === 0 ? (
        <Empty title="No metric has this name">Each word of the search must be in the name.</Empty>
      ) : (
        <VirtualGrid
          groups={groups}
          size={settings.size}
          closed={closing.closed}
          onToggle={closing.toggle}
          render={(card) => render(card)}
        />
      )}
      <Enlarged
        cards={cards}
        shown={address.get('large')}
        onShow={onShow}
        controls={<ChartControls settings={settings} address={address} />}
        render={render}
      />
    </>
  )
}
