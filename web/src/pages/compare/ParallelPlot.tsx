import { type JSX, memo, type PointerEvent, type ReactNode, useMemo, useState, useSyncExternalStore } from 'react'
import type { Highlight } from '../../charts/highlight'
import { formatNumber } from '../../parts/format'
import { useWidth } from '../../parts/use_width'
import { type Brush, brushBetween, isWanted } from './brushes'
import classes from './ParallelPlot.module.css'
import { type Axis, axisOf, type Cell, cellText, placeOn, shortened, someOf } from './scales'

/** A run as a line of the plot. */
export interface PlottedRun {
  readonly run_id: string
  readonly name: string
}

/** What an axis shows: a value for each run that has one. */
export interface PlottedFact {
  readonly name: string
  readonly values: Readonly<Record<string, Cell>>
}

export interface Stroke {
  readonly colour: string
  readonly dash?: readonly number[]
}

export interface Sizes {
  readonly height: number
  /** Left and right of the outermost axes. */
  readonly side: number
  /** Between two axes; where there is no room for that, the plot scrolls. */
  readonly gap: number
}

interface Properties {
  /** What comes later is drawn above. */
  readonly runs: readonly PlottedRun[]
  readonly facts: readonly PlottedFact[]
  readonly sizes: Sizes
  readonly highlight: Highlight
  /** The values that are wanted, by the name of their fact. */
  readonly brushes: ReadonlyMap<string, Brush>
  readonly onBrush: (name: string, brush: Brush | null) => void
  readonly onOpen: (runId: string) => void
  readonly strokeOf: (run: PlottedRun) => Stroke
  /** A run that always stands out a little. */
  readonly lifted?: string | null
  /** Above an axis: by this much from the left, and so wide. */
  readonly head: (fact: PlottedFact, axis: Axis, left: number, width: number) => ReactNode
}

/** Lines beyond these are thin, and no stops of the keyboard: the page has a table of them. */
export const MOST_REACHED = 50
const TOP = 14
const BOTTOM = 20
/** Half the width of what can be drawn on, around an axis. */
const REACH = 14
const MOST_TEXTS = 12

/** An upright axis a fact, a line a run. A run without a value there has a gap. Needs no theme and no router. */
export function ParallelPlot(properties: Properties): JSX.Element | null {
  const { runs, facts, sizes, highlight, brushes, onBrush, onOpen, strokeOf, lifted = null, head } = properties
  const { height, side } = sizes
  const { ref, width } = useWidth()
  const stands = useSyncExternalStore(highlight.subscribe, highlight.get)
  const [drawn, setDrawn] = useState<{ name: string; from: number; to: number } | null>(null)
  const shown = useMemo(() => axesOf(runs, facts), [runs, facts])
  const whole = Math.max(width, 2 * side + sizes.gap * (shown.length - 1))
  const gap = (whole - 2 * side) / Math.max(1, shown.length - 1)
  const xAt = (index: number) => side + gap * index
  const yAt = (place: number) => height - BOTTOM - place * (height - TOP - BOTTOM)
  const lines = useMemo(() => {
    const at = (place: number) => height - BOTTOM - place * (height - TOP - BOTTOM)
    return runs.map((run) => ({
      run,
      stroke: strokeOf(run),
      path: pathOf(
        shown.map(({ fact, axis }, index) => {
          const place = placeOn(axis, fact.values[run.run_id])
          return place === null ? null : ([side + gap * index, at(place)] as const)
        }),
      ),
    }))
  }, [runs, shown, strokeOf, height, side, gap])
  const chosen = useMemo(() => chosenOf(runs, facts, brushes), [runs, facts, brushes])
  const order = useMemo(
    () => (chosen === null ? lines : [...lines].sort((a, b) => +chosen.has(a.run.run_id) - +chosen.has(b.run.run_id))),
    [lines, chosen],
  )
  if (shown.length < 2) return null
  const isDense = runs.length > MOST_REACHED
  const placeOf = (event: PointerEvent<SVGElement>) => {
    const box = event.currentTarget.ownerSVGElement?.getBoundingClientRect()
    return (height - BOTTOM - (event.clientY - (box?.top ?? 0))) / (height - TOP - BOTTOM)
  }
  const above = lines.find(({ run }) => run.run_id === stands)
  const raised =
    chosen === null || (lifted && chosen.has(lifted)) ? lines.find(({ run }) => run.run_id === lifted) : null
  const drawnFacts = shown.map(({ fact }) => fact)
  return (
    <div ref={ref} className={classes.box}>
      <div className={classes.heads} style={{ width: whole }}>
        {shown.map(({ fact, axis }, index) => head(fact, axis, xAt(index), Math.min(gap, 2 * side) - 6))}
      </div>
      <svg className={classes.plot} width={whole} height={height}>
        <title>Parallel coordinates</title>
        {shown.map(({ fact }, index) => (
          <line
            key={fact.name}
            className={classes.axis}
            x1={xAt(index)}
            x2={xAt(index)}
            y1={TOP}
            y2={height - BOTTOM}
          />
        ))}
        {/* biome-ignore lint/a11y/noStaticElementInteractions: what its lines are told; each of them is a link */}
        <g
          className={classes.lines}
          data-dense={isDense || undefined}
          data-focused={stands !== null || undefined}
          onClick={(event) => open(runOf(event.target), onOpen)}
          onKeyDown={(event) => event.key === 'Enter' && open(runOf(event.target), onOpen)}
          onMouseOver={(event) => highlight.set(runOf(event.target))}
          onMouseOut={() => highlight.set(null)}
          onFocus={(event) => highlight.set(runOf(event.target))}
          onBlur={() => highlight.set(null)}
        >
          {order.map(({ run, path, stroke }) => (
            <Line
              key={run.run_id}
              runId={run.run_id}
              path={path}
              colour={stroke.colour}
              dash={stroke.dash?.join(' ')}
              isLeft={chosen !== null && !chosen.has(run.run_id)}
              isShown={stands === run.run_id}
              label={isDense ? null : run.name}
              told={isDense ? '' : factTexts(run, drawnFacts)}
            />
          ))}
        </g>
        {raised && <path className={classes.lifted} d={raised.path} stroke={raised.stroke.colour} />}
        {above && (
          <>
            <path className={classes.halo} d={above.path} />
            <path
              className={classes.above}
              d={above.path}
              stroke={above.stroke.colour}
              strokeDasharray={above.stroke.dash?.join(' ') || undefined}
            />
          </>
        )}
        {shown.map(({ fact, axis }, index) => (
          <g key={fact.name} transform={`translate(${xAt(index)} 0)`}>
            <Ticks axis={axis} yAt={yAt} most={Math.max(6, Math.floor(gap / 8))} />
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
              height={height - TOP - BOTTOM}
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
  )
}

/** The runs that are within all ranges; null where there are no ranges. */
export function chosenOf(
  runs: readonly PlottedRun[],
  facts: readonly PlottedFact[],
  brushes: ReadonlyMap<string, Brush>,
): ReadonlySet<string> | null {
  const active = facts.flatMap((fact) => {
    const brush = brushes.get(fact.name)
    return brush ? [{ fact, brush }] : []
  })
  if (active.length === 0) return null
  const isChosen = ({ run_id }: PlottedRun) => active.every(({ fact, brush }) => isWanted(fact.values[run_id], brush))
  return new Set(runs.filter(isChosen).map((run) => run.run_id))
}

/** What a run has on the axes, e.g. "rate: 0.1". */
export function factTexts(run: PlottedRun, facts: readonly PlottedFact[]): string {
  return facts.map((fact) => `${fact.name}: ${cellText(fact.values[run.run_id])}`).join(', ')
}

function axesOf(runs: readonly PlottedRun[], facts: readonly PlottedFact[]) {
  return facts.flatMap((fact) => {
    const axis = axisOf(
      runs.map((run) => fact.values[run.run_id]),
      'auto',
    )
    return axis ? [{ fact, axis }] : []
  })
}

function runOf(target: EventTarget): string | null {
  return target instanceof Element ? target.getAttribute('data-run') : null
}

function open(runId: string | null, onOpen: (runId: string) => void): void {
  if (runId !== null) onOpen(runId)
}

interface LineProperties {
  readonly runId: string
  readonly path: string
  readonly colour: string
  readonly dash: string | undefined
  readonly isLeft: boolean
  readonly isShown: boolean
  /** Null where the keyboard does not come to it. */
  readonly label: string | null
  readonly told: string
}

const Line = memo(({ runId, path, colour, dash, isLeft, isShown, label, told }: LineProperties) => (
  <path
    className={classes.line}
    data-run={runId}
    data-left={isLeft || undefined}
    data-shown={isShown || undefined}
    d={path}
    stroke={colour}
    strokeDasharray={dash || undefined}
    {...(label === null
      ? { 'aria-hidden': true }
      : { role: 'link', tabIndex: isLeft ? -1 : 0, 'aria-label': `${label}: ${told}` })}
  >
    {label !== null && <title>{`${label}\n${told}`}</title>}
  </path>
))

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

interface TicksProperties {
  readonly axis: Axis
  readonly yAt: (place: number) => number
  /** Letters of a text that have room. */
  readonly most: number
}

function Ticks({ axis, yAt, most }: TicksProperties): JSX.Element {
  const ticks = axis.kind === 'number' ? axis.ticks : someOf(axis.values, MOST_TEXTS)
  return (
    <>
      {ticks.map((tick) => (
        <g key={tick} transform={`translate(0 ${yAt(placeOn(axis, tick) ?? 0)})`}>
          <line className={classes.axis} x1={-4} x2={4} />
          <text x={-8} dy="0.32em" textAnchor="end">
            {typeof tick === 'number' ? formatNumber(tick) : shortened(tick, Math.min(most, 12))}
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
