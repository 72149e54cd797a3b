import { useQueries } from '@tanstack/react-query'
import { type JSX, useMemo } from 'react'
import { metricsQuery } from '../../api/queries'
import type { Metric } from '../../api/types'
import { createCrosshair } from '../../charts/crosshair'
import type { Highlight } from '../../charts/highlight'
import { ZoomBar } from '../../charts/ZoomBar'
import { Empty } from '../../parts/Empty'
import { Loading } from '../../parts/Loading'
import { Problem } from '../../parts/Problem'
import { useAddress } from '../../state/address'
import { arrange, type Card, cardKind } from '../run/metrics/arrange'
import { cardId } from '../run/metrics/card_state'
import type { ChartsContext } from '../run/metrics/charts_context'
import { Enlarged } from '../run/metrics/Enlarged'
import { LinesCard } from '../run/metrics/LinesCard'
import { extentOf, heightOf, readSettings, viewOf, xLabelOf } from '../run/metrics/settings'
import { ChartControls, Toolbar } from '../run/metrics/Toolbar'
import type { WantedLine } from '../run/metrics/use_lines'
import { useSharedWindow } from '../run/metrics/use_window'
import { useGroups, VirtualGrid } from '../run/metrics/VirtualGrid'
import { csvAddress } from '../run/requests'
import type { ComparedRun } from './runs'

interface Properties {
  readonly runs: readonly ComparedRun[]
  readonly highlight: Highlight
}

const LEGEND = 3
/** So many lines are all told in it. */
const FEW = 5
/** The most lines whose legend a chart that fills the window has room for. */
const LARGE_LEGEND = 8

/** Each metric that is a line in any of the runs, with the lines of all that have it. */
export function Overlay({ runs, highlight }: Properties): JSX.Element {
  const address = useAddress()
  const settings = useMemo(() => readSettings(address.get), [address])
  const window = useSharedWindow()
  const view = useMemo(() => viewOf(settings, window.drawn), [settings, window.drawn])
  // biome-ignore lint/correctness/useExhaustiveDependencies: a place in steps means nothing in seconds
  const crosshair = useMemo(createCrosshair, [settings.x])
  const queries = useQueries({ queries: runs.map((run) => metricsQuery(run.run_id)) })
  const isPending = queries.some((query) => query.isPending)
  const version = queries.map((query) => query.dataUpdatedAt).join(' ')
  // biome-ignore lint/correctness/useExhaustiveDependencies: the version tells when the answers are others
  const { metrics, wanted, extent } = useMemo(
    () =>
      union(
        runs,
        queries.map((query) => query.data?.metrics ?? []),
        settings.x,
      ),
    [runs, version, settings.x],
  )
  const search = address.get('find') ?? ''
  const groups = useMemo(() => arrange(metrics, search), [metrics, search])
  const cards = useMemo(() => groups.flatMap((group) => group.cards), [groups])
  const closing = useGroups(address)

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
  const charts: ChartsContext = {
    view,
    window,
    extent,
    xLabel: xLabelOf(settings),
    crosshair,
    highlight,
    height: heightOf(settings.size, cards.length),
  }
  const onShow = (id: string | null) => address.set({ large: id }, { push: true })
  const render = ({ key, metric }: Card, large?: number) => {
    const lines = wanted.get(key) ?? []
    const ids = lines.map(({ series }) => series.run_id)
    return (
      <LinesCard
        title={metric.name}
        note={metric.description}
        wanted={lines}
        charts={charts}
        allPoints={csvAddress(ids, metric.name)}
        legendRows={large !== undefined ? Math.min(ids.length, LARGE_LEGEND) : ids.length <= FEW ? FEW : LEGEND}
        onLarge={large === undefined ? () => onShow(cardId(metric)) : undefined}
        large={large}
      />
    )
  }
  return (
    <>
      <h2 className="sr-only">Metrics</h2>
      <Toolbar
        settings={settings}
        address={address}
        found={cards.length}
        total={metrics.length}
        groups={groups.map((group) => group.name)}
        closed={closing.closed}
        onClose={closing.close}
        zoom={
          <ZoomBar
            label="Zoom of all charts"
            window={window.drawn}
            extent={extent}
            log={view.logX}
            crosshair={crosshair}
            onWindow={window.show}
          />
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

interface Union {
  readonly metrics: readonly Metric[]
  /** The lines of each metric, by the key that a card of it has. */
  readonly wanted: ReadonlyMap<string, readonly WantedLine[]>
  readonly extent: ReturnType<typeof extentOf>
}

/** The metrics that any run has as a line, and all runs' lines of them; a single value is a line of one point there. */
function union(
  runs: readonly ComparedRun[],
  metricsOf: readonly (readonly Metric[])[],
  x: 'step' | 'time' | 'relative',
): Union {
  const found = new Map<string, Metric>()
  const wanted = new Map<string, WantedLine[]>()
  const ends: { from: number; to: number }[] = []
  for (const [index, run] of runs.entries()) {
    const drawn: Metric[] = []
    for (const metric of metricsOf[index] ?? []) {
      if (metric.namespace !== '') continue
      const key = `${metric.namespace}\n${metric.kind}\n${metric.name}`
      const kind = cardKind(metric)
      if (kind !== 'line' && !(kind === 'tile' && metric.min !== null)) continue
      const lines = wanted.get(key) ?? []
      wanted.set(key, lines)
      lines.push({ series: { run_id: run.run_id, name: metric.name }, label: run.name, slot: run.slot })
      if (kind !== 'line') continue
      drawn.push(metric)
      if (!found.has(key)) found.set(key, metric)
    }
    const own = extentOf(drawn, x, run.startMs)
    if (own) ends.push(own)
  }
  const extent =
    ends.length === 0
      ? null
      : { from: Math.min(...ends.map(({ from }) => from)), to: Math.max(...ends.map(({ to }) => to)) }
  return { metrics: [...found.values()], wanted, extent }
}
