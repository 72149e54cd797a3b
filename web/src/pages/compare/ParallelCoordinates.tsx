import { Text, useComputedColorScheme } from '@mantine/core'
import { useElementSize } from '@mantine/hooks'
import type { JSX } from 'react'
import { useNavigate } from 'react-router'
import { colourOf, dashOf } from '../../charts/colours'
import { formatNumber } from '../../parts/format'
import { runPath } from '../../state/names'
import classes from './Charts.module.css'
import type { ComparedRun, Difference } from './runs'
import { type Axis, axisOf, cellText, placeOn, shortened } from './scales'

interface Properties {
  readonly runs: readonly ComparedRun[]
  readonly facts: readonly Difference[]
}

const HEIGHT = 420
const TOP = 44
const BOTTOM = 20
const SIDE = 90
const LEAST_GAP = 130

/** An upright axis a fact, a line a run. A run without a value there has a gap. */
export function ParallelCoordinates({ runs, facts }: Properties): JSX.Element {
  const dark = useComputedColorScheme('light') === 'dark'
  const navigate = useNavigate()
  const { ref, width } = useElementSize()
  const shown = facts.flatMap((fact) => {
    const axis = axisOf(runs.map((run) => fact.values[run.run_id]))
    return axis ? [{ fact, axis }] : []
  })
  if (shown.length < 2) return <Text c="dimmed">Choose two or more axes.</Text>
  const whole = Math.max(width, 2 * SIDE + LEAST_GAP * (shown.length - 1))
  const xAt = (index: number) => SIDE + ((whole - 2 * SIDE) * index) / (shown.length - 1)
  const yAt = (place: number) => HEIGHT - BOTTOM - place * (HEIGHT - TOP - BOTTOM)
  return (
    <div ref={ref} className={classes.box}>
      <svg className={classes.plot} width={whole} height={HEIGHT}>
        <title>Parallel coordinates</title>
        {shown.map(({ fact, axis }, index) => (
          <g key={fact.name} transform={`translate(${xAt(index)} 0)`}>
            <title>{fact.name}</title>
            <text y={16} textAnchor="middle" fontWeight={600}>
              {shortened(fact.name, 20)}
            </text>
            <line className={classes.axis} y1={TOP} y2={HEIGHT - BOTTOM} />
            <Ticks axis={axis} yAt={yAt} />
          </g>
        ))}
        {runs.map((run) => {
          const points = shown.map(({ fact, axis }, index) => {
            const place = placeOn(axis, fact.values[run.run_id])
            return place === null ? null : ([xAt(index), yAt(place)] as const)
          })
          const told = shown.map(({ fact }) => `${fact.name}: ${cellText(fact.values[run.run_id])}`).join('\n')
          const open = () => navigate(runPath(run.experiment, run.run_id))
          return (
            // biome-ignore lint/a11y/useSemanticElements: there are no links within lines of an SVG
            <path
              key={run.run_id}
              className={classes.line}
              d={pathOf(points)}
              stroke={colourOf(run.slot, dark)}
              strokeDasharray={dashOf(run.slot).join(' ') || undefined}
              role="link"
              tabIndex={0}
              aria-label={`${run.name}: ${told.replaceAll('\n', ', ')}`}
              onClick={open}
              onKeyDown={(event) => event.key === 'Enter' && open()}
            >
              <title>{`${run.name}\n${told}`}</title>
            </path>
          )
        })}
      </svg>
    </div>
  )
}

function Ticks({ axis, yAt }: { readonly axis: Axis; readonly yAt: (place: number) => number }): JSX.Element {
  const ticks = axis.kind === 'number' ? axis.ticks : axis.values.slice(0, 20)
  return (
    <>
      {ticks.map((tick) => (
        <g key={tick} transform={`translate(0 ${yAt(placeOn(axis, tick) ?? 0)})`}>
          <line className={classes.axis} x1={-4} x2={4} />
          <text x={-8} dy="0.32em" textAnchor="end">
            {typeof tick === 'number' ? formatNumber(tick) : shortened(tick, 12)}
          </text>
        </g>
      ))}
    </>
  )
}

function pathOf(points: readonly (readonly [number, number] | null)[]): string {
  let path = ''
  let isDown = false
  for (const point of points) {
    if (point) path += `${isDown ? 'L' : 'M'}${point[0].toFixed(1)} ${point[1].toFixed(1)}`
    isDown = point !== null
  }
  return path
}
