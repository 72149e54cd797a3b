import { Button, Group, Text, useComputedColorScheme } from '@mantine/core'
import { useElementSize } from '@mantine/hooks'
import { type JSX, type PointerEvent, useState, useSyncExternalStore } from 'react'
import { useNavigate } from 'react-router'
import { colourOf, dashOf } from '../../charts/colours'
import type { Highlight } from '../../charts/highlight'
import { formatNumber } from '../../parts/format'
import { runPath } from '../../state/names'
import { AxisHead } from './AxisHead'
import { type Brush, brushBetween, isWanted } from './brushes'
import classes from './Charts.module.css'
import type { ComparedRun, Difference } from './runs'
import { type Axis, axisOf, cellText, placeOn, shortened } from './scales'

interface Properties {
  readonly runs: readonly ComparedRun[]
  readonly facts: readonly Difference[]
  readonly highlight: Highlight
  /** The values that are wanted, by the name of their fact. */
  readonly brushes: ReadonlyMap<string, Brush>
  readonly onBrush: (name: string, brush: Brush | null) => void
  /** Leave out all other runs. */
  readonly onKeep: (runIds: readonly string[]) => void
}

const HEIGHT = 420
const TOP = 14
const BOTTOM = 20
const SIDE = 90
const LEAST_GAP = 130
/** Half the width of what can be drawn on, around an axis. */
const REACH = 14

/** An upright axis a fact, a line a run. A run without a value there has a gap; ranges of axes choose runs. */
export function ParallelCoordinates({ runs, facts, highlight, brushes, onBrush, onKeep }: Properties): JSX.Element {
  const dark = useComputedColorScheme('light') === 'dark'
  const navigate = useNavigate()
  const { ref, width } = useElementSize()
  const stands = useSyncExternalStore(highlight.subscribe, highlight.get)
  const [drawn, setDrawn] = useState<{ name: string; from: number; to: number } | null>(null)
  const shown = facts.flatMap((fact) => {
    const axis = axisOf(
      runs.map((run) => fact.values[run.run_id]),
      'auto',
    )
    return axis ? [{ fact, axis }] : []
  })
  if (shown.length < 2) return <Text c="dimmed">Choose two or more axes.</Text>
  const whole = Math.max(width, 2 * SIDE + LEAST_GAP * (shown.length - 1))
  const gap = (whole - 2 * SIDE) / (shown.length - 1)
  const xAt = (index: number) => SIDE + gap * index
  const yAt = (place: number) => HEIGHT - BOTTOM - place * (HEIGHT - TOP - BOTTOM)
  const placeOf = (event: PointerEvent<SVGElement>) => {
    const box = event.currentTarget.ownerSVGElement?.getBoundingClientRect()
    return (HEIGHT - BOTTOM - (event.clientY - (box?.top ?? 0))) / (HEIGHT - TOP - BOTTOM)
  }
  const active = shown.flatMap(({ fact }) => {
    const brush = brushes.get(fact.name)
    return brush ? [{ fact, brush }] : []
  })
  const isChosen = (run: ComparedRun) => active.every(({ fact, brush }) => isWanted(fact.values[run.run_id], brush))
  const chosen = active.length > 0 ? runs.filter(isChosen) : runs
  const order = [...runs].sort(
    (a, b) => rank(a, chosen.includes(a), stands) - rank(b, chosen.includes(b), stands) || a.slot - b.slot,
  )
  return (
    <>
      <div ref={ref} className={classes.box}>
        <div className={classes.heads} style={{ width: whole }}>
          {shown.map(({ fact, axis }, index) => (
            <AxisHead
              key={fact.name}
              name={fact.name}
              axis={axis}
              brush={brushes.get(fact.name) ?? null}
              left={xAt(index)}
              width={Math.min(gap, 2 * SIDE) - 12}
              onBrush={(brush) => onBrush(fact.name, brush)}
            />
          ))}
        </div>
        <svg className={classes.plot} width={whole} height={HEIGHT}>
          <title>Parallel coordinates</title>
          {shown.map(({ fact }, index) => (
            <line
              key={fact.name}
              className={classes.axis}
              x1={xAt(index)}
              x2={xAt(index)}
              y1={TOP}
              y2={HEIGHT - BOTTOM}
            />
          ))}
          {order.map((run) => {
            const points = shown.map(({ fact, axis }, index) => {
              const place = placeOn(axis, fact.values[run.run_id])
              return place === null ? null : ([xAt(index), yAt(place)] as const)
            })
            const told = shown.map(({ fact }) => `${fact.name}: ${cellText(fact.values[run.run_id])}`).join('\n')
            const open = () => navigate(runPath(run.experiment, run.run_id))
            const left = !chosen.includes(run)
            return (
              // biome-ignore lint/a11y/useSemanticElements: there are no links within lines of an SVG
              <path
                key={run.run_id}
                className={classes.line}
                data-left={left || undefined}
                data-shown={stands === run.run_id || undefined}
                data-faded={(stands !== null && stands !== run.run_id) || undefined}
                d={pathOf(points)}
                stroke={colourOf(run.slot, dark)}
                strokeDasharray={dashOf(run.slot).join(' ') || undefined}
                role="link"
                tabIndex={left ? -1 : 0}
                aria-label={`${run.name}: ${told.replaceAll('\n', ', ')}`}
                onClick={open}
                onKeyDown={(event) => event.key === 'Enter' && open()}
                onMouseEnter={() => highlight.set(run.run_id)}
                onMouseLeave={() => highlight.set(null)}
                onFocus={() => highlight.set(run.run_id)}
                onBlur={() => highlight.set(null)}
              >
                <title>{`${run.name}\n${told}`}</title>
              </path>
            )
          })}
          {shown.map(({ fact, axis }, index) => (
            <g key={fact.name} transform={`translate(${xAt(index)} 0)`}>
              <Ticks axis={axis} yAt={yAt} />
              {drawn?.name === fact.name ? (
                <Mark from={yAt(drawn.from)} to={yAt(drawn.to)} />
              ) : (
                <Brushed axis={axis} brush={brushes.get(fact.name)} yAt={yAt} />
              )}
              <rect
                className={classes.reach}
                x={-REACH}
                width={2 * REACH}
                y={TOP}
                height={HEIGHT - TOP - BOTTOM}
                onPointerDown={(event) => {
                  if (event.button !== 0) return
                  event.currentTarget.setPointerCapture(event.pointerId)
                  const place = placeOf(event)
                  setDrawn({ name: fact.name, from: place, to: place })
                }}
                onPointerMove={(event) => {
                  if (drawn?.name === fact.name) setDrawn({ ...drawn, to: placeOf(event) })
                }}
                onPointerUp={() => {
                  if (drawn?.name !== fact.name) return
                  setDrawn(null)
                  const isClick = Math.abs(drawn.from - drawn.to) < 0.01
                  onBrush(fact.name, isClick ? null : brushBetween(axis, drawn.from, drawn.to))
                }}
                onPointerCancel={() => setDrawn(null)}
              />
            </g>
          ))}
        </svg>
      </div>
      <Group gap="sm" mt="xs">
        <Text size="sm" role="status">
          {active.length === 0
            ? 'Draw along an axis, or press the button at its name, to choose runs by a range.'
            : `${chosen.length} of ${runs.length} runs are within the ranges.`}
        </Text>
        {active.length > 0 && (
          <>
            <Button
              size="compact-sm"
              variant="default"
              disabled={chosen.length === 0 || chosen.length === runs.length}
              onClick={() => onKeep(chosen.map((run) => run.run_id))}
            >
              Compare only these
            </Button>
            <Button
              size="compact-sm"
              variant="default"
              onClick={() => {
                for (const { fact } of active) onBrush(fact.name, null)
              }}
            >
              All ranges away
            </Button>
          </>
        )}
      </Group>
    </>
  )
}

/** What is drawn later lies above. */
function rank(run: ComparedRun, isChosen: boolean, stands: string | null): number {
  return (isChosen ? 1 : 0) + (run.run_id === stands ? 2 : 0)
}

interface BrushedProperties {
  readonly axis: Axis
  readonly brush: Brush | undefined
  readonly yAt: (place: number) => number
}

function Brushed({ axis, brush, yAt }: BrushedProperties): JSX.Element | null {
  if (!brush) return null
  if (brush.kind === 'range') {
    const ends = [brush.from, brush.to].map((value, at) => placeOn(axis, value) ?? at)
    const [from = 0, to = 1] = ends.map((place) => Math.min(Math.max(place, 0), 1))
    return <Mark from={yAt(from)} to={yAt(to)} />
  }
  return (
    <>
      {brush.texts.map((text) => {
        const y = yAt(placeOn(axis, text) ?? 0)
        return <Mark key={text} from={y - 5} to={y + 5} />
      })}
    </>
  )
}

function Mark({ from, to }: { readonly from: number; readonly to: number }): JSX.Element {
  return (
    <rect className={classes.mark} x={-7} width={14} y={Math.min(from, to)} height={Math.max(2, Math.abs(from - to))} />
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
