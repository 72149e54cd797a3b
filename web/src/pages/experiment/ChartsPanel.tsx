import { CloseButton, MultiSelect, SegmentedControl, Switch, useComputedColorScheme } from '@mantine/core'
import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { useMemo } from 'react'
import { fetchSeries, type Series, type SeriesX } from '../../api/series'
import type { RunColumns, RunRow } from '../../api/types'
import { createCrosshair } from '../../charts/crosshair'
import { LineChart } from '../../charts/LineChart'
import { type Line, NO_SMOOTHING, type Span, type View } from '../../charts/types'
import { Loading } from '../../parts/Loading'
import { Problem } from '../../parts/Problem'
import type { Address } from '../../state/address'
import classes from './charts.module.css'

const MOST_RUNS = 50
const FIRST_RUNS = 8
const FIRST_METRICS = 4
const MOST_SERIES = 500
const POINTS = 400

interface Props {
  readonly rows: readonly RunRow[]
  readonly chosen: readonly string[]
  readonly known: RunColumns | undefined
  /** Empty: the first that the runs have. */
  readonly metrics: readonly string[]
  readonly address: Address
}

/** The chosen runs (or the first of the table) over each other, one chart for each metric. */
export default function ChartsPanel({ rows, chosen, known, metrics, address }: Props) {
  const dark = useComputedColorScheme('light') === 'dark'
  const crosshair = useMemo(createCrosshair, [])
  const names = useMemo(() => known?.metrics.map(({ name }) => name) ?? [], [known])
  const shown = metrics.length > 0 ? metrics : names.slice(0, FIRST_METRICS)
  const runs = useMemo(
    () => (chosen.length > 0 ? chosen.slice(0, MOST_RUNS) : rows.slice(0, FIRST_RUNS).map(({ run_id }) => run_id)),
    [chosen, rows],
  )
  const x = (address.get('x') ?? 'step') as SeriesX
  const span = parseSpan(address.get('window'))
  const view: View = {
    xKind: x,
    logX: false,
    logY: address.get('log') === 'y',
    smoothing: NO_SMOOTHING,
    window: span,
  }
  const wanted = useMemo(
    () => shown.flatMap((name) => runs.map((run_id) => ({ run_id, name }))).slice(0, MOST_SERIES),
    [shown, runs],
  )
  const query = useQuery({
    // Under 'runs': it is read again for every change of the experiment's runs.
    queryKey: ['runs', 'overlay', wanted, x, span],
    queryFn: ({ signal }) => fetchSeries({ series: wanted, x, from: span?.from, to: span?.to, points: POINTS }, signal),
    enabled: wanted.length > 0,
    placeholderData: keepPreviousData,
  })
  const label = useMemo(() => new Map(rows.map((row) => [row.run_id, labelOf(row)])), [rows])

  return (
    <aside className={classes.panel} aria-label="Charts">
      <div className={classes.bar}>
        <strong>{chosen.length > 0 ? `${runs.length} chosen runs` : `First ${runs.length} runs`}</strong>
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
          label="Log"
          checked={view.logY}
          onChange={(event) => address.set({ log: event.currentTarget.checked ? 'y' : null })}
        />
        <CloseButton aria-label="Close the charts" onClick={() => address.set({ chart: null })} />
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
      {query.isPending && wanted.length > 0 && <Loading what="the charts" />}
      {query.isError && (
        <Problem title="The charts could not be read" error={query.error} onRetry={() => query.refetch()} />
      )}
      {shown.length === 0 && <p>These runs have no metrics yet.</p>}
      {query.data &&
        shown.map((name) => (
          <section key={name} className={classes.chart} aria-label={name}>
            <h2>{name}</h2>
            <LineChart
              title={name}
              lines={linesOf(query.data, name, runs, label)}
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

function labelOf(row: RunRow): string {
  return row.name && row.name !== row.run_id ? `${row.number} ${row.name}` : `Run ${row.number}`
}

function parseSpan(text: string | null): Span | null {
  const [from, to] = (text ?? '').split('_').map(Number)
  return text && from !== undefined && to !== undefined && Number.isFinite(from) && from < to ? { from, to } : null
}

function linesOf(
  series: readonly Series[],
  name: string,
  runs: readonly string[],
  label: ReadonlyMap<string, string>,
): Line[] {
  return series
    .filter((each) => each.name === name && each.x.length > 0 && runs.includes(each.run_id))
    .map((each) => ({
      id: each.run_id,
      label: label.get(each.run_id) ?? each.run_id,
      slot: runs.indexOf(each.run_id),
      x: each.x,
      y: each.y,
      low: each.min ?? undefined,
      high: each.max ?? undefined,
      exact: each.exact,
      total: each.total,
    }))
}
