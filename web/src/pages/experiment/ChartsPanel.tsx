import {
  Button,
  CloseButton,
  MultiSelect,
  SegmentedControl,
  Select,
  Switch,
  useComputedColorScheme,
} from '@mantine/core'
import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { useEffect, useMemo, useRef } from 'react'
import type { Series } from '../../api/series'
import type { RunColumns } from '../../api/types'
import { createCrosshair } from '../../charts/crosshair'
import { LineChart } from '../../charts/LineChart'
import { type Line, NO_SMOOTHING, type View } from '../../charts/types'
import { formatCount } from '../../parts/format'
import { Loading } from '../../parts/Loading'
import { Problem } from '../../parts/Problem'
import type { Address } from '../../state/address'
import classes from './charts.module.css'
import { splitColumn } from './columns'
import { overlayQuery, readSpan, readX } from './overlay_query'
import type { Drawn } from './use_drawn'

const FIRST_METRICS = 4
const MOST_METRICS = 8
/** Weights of the past in a moving average. */
const SMOOTHINGS = [
  { value: '0', label: 'As logged' },
  { value: '0.6', label: 'Smooth 0.6' },
  { value: '0.9', label: 'Smooth 0.9' },
  { value: '0.98', label: 'Smooth 0.98' },
]

interface Props {
  readonly drawn: Drawn
  /** How many runs are chosen; 0: the first of the table are drawn. */
  readonly chosen: number
  readonly known: RunColumns | undefined
  /** Empty: those of the table, then the first that the runs have. */
  readonly metrics: readonly string[]
  /** Those of the table. */
  readonly columns: readonly string[]
  /** Whether somebody has just asked for it, and not the address. */
  readonly isAskedFor: boolean
  readonly address: Address
}

/** The chosen runs (or the first of the table) over each other, one chart for each metric. */
export default function ChartsPanel({ drawn, chosen, known, metrics, columns, isAskedFor, address }: Props) {
  const { runIds: runs } = drawn
  const dark = useComputedColorScheme('light') === 'dark'
  const crosshair = useMemo(createCrosshair, [])
  const names = useMemo(() => known?.metrics.map(({ name }) => name) ?? [], [known])
  const shown = useMemo(() => (metrics.length > 0 ? metrics : firstMetrics(columns, names)), [metrics, columns, names])
  const x = readX(address.get('x'))
  const span = useMemo(() => readSpan(address.get('window')), [address])
  const smoothing = Number(SMOOTHINGS.find(({ value }) => value === address.get('smooth'))?.value ?? 0)
  const logY = address.get('log') === 'y'
  const view = useMemo<View>(
    () => ({
      xKind: x,
      logX: false,
      logY,
      smoothing: smoothing > 0 ? { kind: 'ema', amount: smoothing } : NO_SMOOTHING,
      window: span,
    }),
    [x, logY, smoothing, span],
  )
  const query = useQuery({
    ...overlayQuery(shown, runs, x, span),
    placeholderData: keepPreviousData,
  })
  const charts = useMemo(
    () => shown.map((name) => ({ name, lines: linesOf(query.data ?? [], name, drawn) })),
    [shown, query.data, drawn],
  )
  const panel = useRef<HTMLElement>(null)
  useEffect(() => {
    // Where there is no room beside the table it stands below, out of sight.
    if (isAskedFor && matchMedia('(max-width: 62em)').matches) panel.current?.scrollIntoView()
  }, [isAskedFor])

  return (
    <aside ref={panel} className={classes.panel} aria-label="Charts">
      <div className={classes.bar}>
        <h2 className={classes.title}>{titleOf(runs.length, chosen)}</h2>
        <CloseButton aria-label="Close the charts" onClick={() => address.set({ chart: null })} />
      </div>
      <div className={classes.bar}>
        <SegmentedControl
          size="xs"
          aria-label="Horizontal axis"
          data={[
            { value: 'step', label: 'Step' },
            { value: 'relative', label: 'Relative' },
            { value: 'time', label: 'Time' },
          ]}
          value={x}
          onChange={(value) => address.set({ x: value === 'step' ? null : value, window: null })}
        />
        <Switch
          size="xs"
          label="Log y"
          checked={logY}
          onChange={(event) => address.set({ log: event.currentTarget.checked ? 'y' : null })}
        />
        <Select
          size="xs"
          w={120}
          aria-label="Smoothing"
          data={SMOOTHINGS}
          value={String(smoothing)}
          allowDeselect={false}
          onChange={(value) => address.set({ smooth: value === '0' ? null : value })}
        />
        {span && (
          <Button size="compact-xs" variant="default" onClick={() => address.set({ window: null })}>
            All of x
          </Button>
        )}
      </div>
      <MultiSelect
        aria-label="Metrics to draw"
        placeholder={metrics.length === 0 ? 'Metrics to draw' : undefined}
        data={names}
        value={[...metrics]}
        searchable
        clearable
        limit={100}
        maxValues={20}
        size="xs"
        onChange={(value) => address.set({ chart: value.length > 0 ? value : 'auto' })}
      />
      {query.isLoading && <Loading what="the charts" />}
      {query.isError && (
        <Problem title="The charts could not be read" error={query.error} onRetry={() => query.refetch()} />
      )}
      {shown.length === 0 && <p>These runs have no metrics yet.</p>}
      {query.data &&
        charts.map(({ name, lines }) => (
          <section key={name} className={classes.chart} aria-label={name}>
            <h3>{name}</h3>
            <LineChart
              title={name}
              lines={lines}
              view={view}
              height={190}
              dark={dark}
              crosshair={crosshair}
              legendRows={4}
              onWindow={(window) => address.set({ window: window ? `${window.from}_${window.to}` : null })}
            />
          </section>
        ))}
    </aside>
  )
}

function firstMetrics(columns: readonly string[], names: readonly string[]): string[] {
  const shown = columns.map(splitColumn).flatMap((each) => (each?.kind === 'metrics' ? each.name : []))
  return [...new Set([...shown, ...names])].slice(0, Math.max(FIRST_METRICS, Math.min(shown.length, MOST_METRICS)))
}

function titleOf(drawn: number, chosen: number): string {
  if (chosen === 0) return `First ${formatCount(drawn, 'run')}`
  if (chosen > drawn) return `${drawn} of ${chosen.toLocaleString('en')} chosen runs`
  return chosen === 1 ? 'The chosen run' : `${drawn} chosen runs`
}

function linesOf(series: readonly Series[], name: string, { slots, labels }: Drawn): Line[] {
  return series
    .filter((each) => each.name === name && each.x.length > 0 && slots.has(each.run_id))
    .map((each) => ({
      id: each.run_id,
      label: labels.get(each.run_id) ?? each.run_id,
      slot: slots.get(each.run_id) ?? 0,
      x: each.x,
      y: each.y,
      low: each.min ?? undefined,
      high: each.max ?? undefined,
      exact: each.exact,
      total: each.total,
    }))
}
