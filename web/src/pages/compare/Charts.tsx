import { Checkbox, MultiSelect, Select, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { type JSX, useMemo } from 'react'
import type { Highlight } from '../../charts/highlight'
import { Empty } from '../../parts/Empty'
import { Loading } from '../../parts/Loading'
import { Problem } from '../../parts/Problem'
import { splitList, useAddress } from '../../state/address'
import { valueFor, withValue } from '../run/metrics/card_state'
import { type Brush, readBrush, writeBrush } from './brushes'
import classes from './Charts.module.css'
import { ParallelCoordinates } from './ParallelCoordinates'
import { type ComparedRun, type Comparison, comparisonQuery, type Difference } from './runs'
import { ScatterPlot } from './ScatterPlot'

interface Properties {
  readonly kind: 'parallel' | 'scatter'
  readonly runs: readonly ComparedRun[]
  readonly highlight: Highlight
}

const MOST_AXES = 12

/** Parallel coordinates or a scatter plot of the values in which the runs differ; the address holds which. */
export function Chart({ kind, runs, highlight }: Properties): JSX.Element {
  const address = useAddress()
  const query = useQuery(comparisonQuery(runs))
  const facts = useMemo(() => factsOf(query.data), [query.data])
  if (query.isPending) return <Loading what="what differs" />
  if (query.isError) {
    return <Problem error={query.error} title="The runs could not be compared" onRetry={() => void query.refetch()} />
  }
  const names = [...facts.keys()]
  if (names.length < 2) {
    return (
      <Empty title="There is too little to draw">
        <p>It takes two or more parameters, metrics or tags in which the runs differ.</p>
      </Empty>
    )
  }
  const asked = address.list('axes').filter((name) => facts.has(name))
  if (kind === 'parallel') {
    const axes = asked.length >= 2 ? asked : names.slice(0, Math.min(MOST_AXES, 6))
    return (
      <>
        <MultiSelect
          size="xs"
          mb="sm"
          label="Axes"
          data={names}
          value={axes}
          searchable
          limit={200}
          maxValues={MOST_AXES}
          onChange={(chosen) => address.set({ axes: chosen })}
        />
        <ParallelCoordinates
          runs={runs}
          facts={axes.flatMap((name) => facts.get(name) ?? [])}
          highlight={highlight}
          brushes={brushesOf(address.list('ranges'), axes)}
          onBrush={(name, brush) => {
            const ranges = new URLSearchParams(window.location.search).get('ranges')
            address.set({ ranges: withValue(splitList(ranges), name, brush && writeBrush(brush)) })
          }}
          onKeep={(ids) => address.set({ runs: ids, ranges: null }, { push: true })}
        />
      </>
    )
  }
  const x = asked[0] ?? names[0] ?? ''
  const y = asked[1] ?? names.find((name) => name !== x && name.startsWith('metrics.')) ?? names[1] ?? ''
  const [factX, factY] = [facts.get(x), facts.get(y)]
  return (
    <>
      <div className={classes.choices}>
        <Select
          size="xs"
          label="x"
          data={names}
          value={x}
          searchable
          limit={200}
          allowDeselect={false}
          onChange={(name) => address.set({ axes: [name ?? x, y] })}
        />
        <Select
          size="xs"
          label="y"
          data={names}
          value={y}
          searchable
          limit={200}
          allowDeselect={false}
          onChange={(name) => address.set({ axes: [x, name ?? y] })}
        />
        {(['x', 'y'] as const).map((axis) => (
          <Checkbox
            key={axis}
            size="xs"
            className={classes.check}
            label={`log ${axis}`}
            checked={address.get(`log${axis}`) === '1'}
            onChange={(event) => address.set({ [`log${axis}`]: event.currentTarget.checked ? '1' : null })}
          />
        ))}
      </div>
      {factX && factY ? (
        <ScatterPlot
          runs={runs}
          x={factX}
          y={factY}
          logX={address.get('logx') === '1'}
          logY={address.get('logy') === '1'}
          highlight={highlight}
        />
      ) : (
        <Text c="dimmed">Choose what is drawn over what.</Text>
      )}
    </>
  )
}

/** The ranges that the address has of these axes. */
function brushesOf(ranges: readonly string[], axes: readonly string[]): ReadonlyMap<string, Brush> {
  return new Map(
    axes.flatMap((name) => {
      const brush = readBrush(valueFor(ranges, name))
      return brush ? [[name, brush] as const] : []
    }),
  )
}

const AXES = [
  ['parameters', 'params'],
  ['metrics', 'metrics'],
  ['tags', 'tags'],
] as const

/** What can be an axis, by its name in the filter language. */
function factsOf(comparison: Comparison | undefined): ReadonlyMap<string, Difference> {
  const facts = AXES.flatMap(([kind, prefix]) =>
    (comparison?.differences[kind] ?? []).map((fact) => ({ ...fact, name: `${prefix}.${fact.name}` })),
  )
  return new Map(facts.map((fact) => [fact.name, fact]))
}
