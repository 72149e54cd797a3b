import { useMemo, useState } from 'react'
import { createCrosshair } from '../charts/crosshair'
import { NO_SMOOTHING, type Smoothing } from '../charts/types'
import { arrange, type Card } from '../pages/run/metrics/arrange'
import { Choice } from '../parts/Choice'
import { askFor, type Channel } from './channel'
import { InSight } from './InSight'
import { LineCard } from './LineCard'
import type { MetricsPart } from './model'
import { StructuredCard } from './StructuredCard'
import { type RunSource, wantedLine } from './source'
import { TableCard } from './TableCard'
import { TileCard } from './TileCard'
import { useAsked } from './use_asked'
import classes from './widget.module.css'

export interface ChartSettings {
  readonly x: 'step' | 'time' | 'relative'
  readonly logY: boolean
  readonly smoothing: Smoothing
}

interface Props {
  readonly source: RunSource
  readonly channel: Channel
}

const CARD_HEIGHT = 290

/** Every metric by its kind, as in the portal. */
export function Metrics({ source, channel }: Props) {
  const [search, setSearch] = useState('')
  const [x, setX] = useState<ChartSettings['x']>('step')
  const [logY, setLogY] = useState(false)
  const [smooth, setSmooth] = useState(0)
  const settings = useMemo<ChartSettings>(
    () => ({ x, logY, smoothing: smooth > 0 ? { kind: 'ema', amount: smooth } : NO_SMOOTHING }),
    [x, logY, smooth],
  )
  // biome-ignore lint/correctness/useExhaustiveDependencies: a place in steps means nothing in seconds
  const crosshair = useMemo(createCrosshair, [x])
  const part = source.metrics
  const isPartial = part !== undefined && part.metrics.length < part.total && search !== ''
  const found = useAsked(isPartial ? `${source.runId} ${search}` : null, part?.total, (signal) =>
    askFor<MetricsPart>(channel, { ask: 'metrics', run_id: source.runId, search }, signal),
  )
  const metrics = (isPartial && found.value?.metrics) || part?.metrics
  const groups = useMemo(() => arrange(metrics ?? [], search), [metrics, search])
  if (!part) return <p>Reading the metrics …</p>
  const shown = groups.reduce((sum, group) => sum + group.cards.length, 0)
  if (shown === 0 && search === '') {
    return (
      <p>
        This run has no metrics{part.total > 0 ? ' but images, which have a tab of their own' : ' yet'}. A script logs
        one with <code>run.log("mse", 0.1)</code>
      </p>
    )
  }
  const card = (each: Card) => {
    const props = { source, channel, metric: each.metric, settings, crosshair }
    switch (each.kind) {
      case 'line':
        return <LineCard {...props} wanted={{ run_id: source.runId, name: each.metric.name }} />
      case 'table': {
        const wanted = wantedLine(source.runId, each.metric)
        return <TableCard {...props} wanted={wanted} />
      }
      case 'tile':
        return <TileCard {...props} />
      case 'structured':
        return <StructuredCard {...props} />
    }
  }
  return (
    <>
      <div className={classes.tools}>
        <input
          type="search"
          className={classes.input}
          placeholder="Find a metric"
          aria-label="Find a metric"
          value={search}
          onChange={(event) => setSearch(event.currentTarget.value)}
        />
        <Choice
          label="What x is"
          value={x}
          onChange={setX}
          options={[
            { value: 'step', label: 'Step' },
            { value: 'relative', label: 'Since start' },
            { value: 'time', label: 'Time' },
          ]}
        />
        <label className={classes.group}>
          <input type="checkbox" checked={logY} onChange={(event) => setLogY(event.currentTarget.checked)} /> Log y
        </label>
        <label className={classes.group}>
          Smoothing{' '}
          <input
            type="range"
            min={0}
            max={0.99}
            step={0.01}
            value={smooth}
            onChange={(event) => setSmooth(Number(event.currentTarget.value))}
          />
        </label>
        {part.metrics.length < part.total && search === '' && (
          <span className={classes.dimmed}>
            {part.metrics.length} of {part.total.toLocaleString('en')}; search finds the others
          </span>
        )}
      </div>
      {shown === 0 && <p>No metric has this name.</p>}
      {groups.map((group) => {
        const tiles = group.cards.filter((each) => each.kind === 'tile')
        const cards = group.cards.filter((each) => each.kind !== 'tile')
        return (
          <section key={group.name} aria-label={group.name || 'Metrics'}>
            {group.name !== '' && <h3 className={classes.groupName}>{group.name}</h3>}
            <div className={classes.tiles}>
              {tiles.map((each) => (
                <div key={each.key}>{card(each)}</div>
              ))}
            </div>
            <div className={classes.cards}>
              {cards.map((each) => (
                <InSight key={each.key} height={CARD_HEIGHT}>
                  {card(each)}
                </InSight>
              ))}
            </div>
          </section>
        )
      })}
    </>
  )
}
