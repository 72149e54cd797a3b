import { Text, useComputedColorScheme } from '@mantine/core'
import { useElementSize } from '@mantine/hooks'
import { type JSX, useSyncExternalStore } from 'react'
import { useNavigate } from 'react-router'
import { colourOf } from '../../charts/colours'
import type { Highlight } from '../../charts/highlight'
import { formatNumber } from '../../parts/format'
import { runPath } from '../../state/names'
import classes from './Charts.module.css'
import type { ComparedRun, Difference } from './runs'
import { type Axis, axisOf, cellText, placeOn, shortened } from './scales'

interface Properties {
  readonly runs: readonly ComparedRun[]
  readonly x: Difference
  readonly y: Difference
  readonly logX: boolean
  readonly logY: boolean
  readonly highlight: Highlight
}

const HEIGHT = 460
const LEFT = 90
const BOTTOM = 52
const EDGE = 16

/** A point a run: one fact over another. */
export function ScatterPlot({ runs, x, y, logX, logY, highlight }: Properties): JSX.Element {
  const dark = useComputedColorScheme('light') === 'dark'
  const navigate = useNavigate()
  const { ref, width } = useElementSize()
  const stands = useSyncExternalStore(highlight.subscribe, highlight.get)
  const axisX = axisOf(
    runs.map((run) => x.values[run.run_id]),
    logX,
  )
  const axisY = axisOf(
    runs.map((run) => y.values[run.run_id]),
    logY,
  )
  if (!axisX || !axisY) return <Text c="dimmed">None of the runs has both values.</Text>
  const whole = Math.max(width, 320)
  const xAt = (place: number) => LEFT + place * (whole - LEFT - EDGE)
  const yAt = (place: number) => HEIGHT - BOTTOM - place * (HEIGHT - BOTTOM - EDGE)
  const points = runs.flatMap((run) => {
    const [placeX, placeY] = [placeOn(axisX, x.values[run.run_id]), placeOn(axisY, y.values[run.run_id])]
    return placeX === null || placeY === null ? [] : [{ run, cx: xAt(placeX), cy: yAt(placeY) }]
  })
  const missing = runs.length - points.length
  return (
    <div ref={ref} className={classes.box}>
      <svg className={classes.plot} width={whole} height={HEIGHT}>
        <title>{`${y.name} over ${x.name}`}</title>
        {ticksOf(axisX).map((tick) => (
          <g key={tick} transform={`translate(${xAt(placeOn(axisX, tick) ?? 0)} 0)`}>
            <line className={classes.grid} y1={EDGE} y2={HEIGHT - BOTTOM} />
            <text y={HEIGHT - BOTTOM + 18} textAnchor="middle">
              {tickText(tick)}
            </text>
          </g>
        ))}
        {ticksOf(axisY).map((tick) => (
          <g key={tick} transform={`translate(0 ${yAt(placeOn(axisY, tick) ?? 0)})`}>
            <line className={classes.grid} x1={LEFT} x2={whole - EDGE} />
            <text x={LEFT - 8} dy="0.32em" textAnchor="end">
              {tickText(tick)}
            </text>
          </g>
        ))}
        <text x={(LEFT + whole - EDGE) / 2} y={HEIGHT - 10} textAnchor="middle" fontWeight={600}>
          {shortened(x.name, 60)}
        </text>
        <text
          transform={`translate(16 ${(HEIGHT - BOTTOM + EDGE) / 2}) rotate(-90)`}
          textAnchor="middle"
          fontWeight={600}
        >
          {shortened(y.name, 50)}
        </text>
        {points.map(({ run, cx, cy }) => {
          const told = [x, y].map((fact) => `${fact.name}: ${cellText(fact.values[run.run_id])}`)
          const open = () => navigate(runPath(run.experiment, run.run_id))
          return (
            // biome-ignore lint/a11y/useSemanticElements: there are no links within circles of an SVG
            <circle
              key={run.run_id}
              className={classes.point}
              cx={cx}
              cy={cy}
              r={stands === run.run_id ? 10 : 7}
              data-shown={stands === run.run_id || undefined}
              data-faded={(stands !== null && stands !== run.run_id) || undefined}
              onMouseEnter={() => highlight.set(run.run_id)}
              onMouseLeave={() => highlight.set(null)}
              onFocus={() => highlight.set(run.run_id)}
              onBlur={() => highlight.set(null)}
              fill={colourOf(run.slot, dark)}
              role="link"
              tabIndex={0}
              aria-label={`${run.name}: ${told.join(', ')}`}
              onClick={open}
              onKeyDown={(event) => event.key === 'Enter' && open()}
            >
              <title>{[run.name, ...told].join('\n')}</title>
            </circle>
          )
        })}
      </svg>
      {missing > 0 && (
        <Text size="sm" c="dimmed">
          {missing} of {runs.length} runs have no place here: a value is missing or is no number.
        </Text>
      )}
    </div>
  )
}

function ticksOf(axis: Axis): readonly (number | string)[] {
  return axis.kind === 'number' ? axis.ticks : axis.values.slice(0, 20)
}

function tickText(tick: number | string): string {
  return typeof tick === 'number' ? formatNumber(tick) : shortened(tick, 12)
}
