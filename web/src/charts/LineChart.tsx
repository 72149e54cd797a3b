import 'uplot/dist/uPlot.min.css'
import {
  type KeyboardEvent,
  useCallback,
  useEffect,
  useId,
  useMemo,
  useRef,
  useState,
  useSyncExternalStore,
} from 'react'
import { type Crosshair, createCrosshair } from './crosshair'
import { formatNumber, formatX } from './format'
import { createHighlight, type Highlight, ownerOf } from './highlight'
import classes from './LineChart.module.css'
import { createPlot, type Plot, type PlotState } from './plot'
import { Readout } from './Readout'
import { byDistance, readingsAt } from './readings'
import { hiddenByLog, sceneOf } from './scene'
import { nearest } from './search'
import type { Line, Span, View } from './types'
import type { Unit } from './units'
import { PAN, panned, STEP, within, zoomed } from './zoom'

export interface LineChartProps {
  readonly title: string
  readonly lines: readonly Line[]
  readonly view: View
  /** Height of the plot in CSS pixels, without the legend. */
  readonly height: number
  readonly dark: boolean
  /** Name of x where it is neither step nor time. */
  readonly xLabel?: string | undefined
  /** Shared by charts whose crosshairs move together; one of its own if there is none. */
  readonly crosshair?: Crosshair | undefined
  /** Shared by charts in which lines of the same owner stand out together; one of its own if there is none. */
  readonly highlight?: Highlight | undefined
  /** How y is written; for bytes and percents. */
  readonly unit?: Unit | undefined
  /** All of x that there is, where it is known: no window goes beyond it. */
  readonly extent?: Span | null | undefined
  /** Another window, null for all of x; `moving` while a gesture goes on. */
  readonly onWindow?: ((window: Span | null, moving: boolean) => void) | undefined
  readonly legendRows?: number | undefined
}

/** A click this near (px) to the pinned crosshair takes it away. */
const NEAR = 8

/**
 * Lines over x. Drag chooses a window, Ctrl and wheel or two fingers zoom, Shift and drag moves, a double click shows
 * all; a click pins the crosshair; keys do the same.
 */
export function LineChart(props: LineChartProps) {
  const { title, lines, view, height, dark, xLabel = '', unit, onWindow, legendRows = 6 } = props
  const own = useMemo(() => ({ crosshair: createCrosshair(), highlight: createHighlight() }), [])
  const crosshair = props.crosshair ?? own.crosshair
  const highlight = props.highlight ?? own.highlight
  const focus = useSyncExternalStore(highlight.subscribe, highlight.get)
  const scene = useMemo(() => sceneOf(lines, view), [lines, view])
  const hidden = useMemo(() => hiddenByLog(scene), [scene])
  const [pointerY, setPointerY] = useState<number | null>(null)
  const holder = useRef<HTMLDivElement>(null)
  const plot = useRef<Plot | null>(null)
  const state = useRef<PlotState | null>(null)
  const hint = useId()
  // Lines that were read for a window end with it: what there is beyond is known from when all was shown.
  const whole = useRef<Span | null>(null)
  if (!view.window && lines.length > 0) whole.current = scene.x
  const extent = props.extent ?? whole.current

  const show = useCallback(
    (window: Span | null, moving: boolean) => onWindow?.(window && within(window, extent, scene.logX), moving),
    [onWindow, extent, scene.logX],
  )
  const onPoint = useCallback(
    (at: { x: number; y: number } | null) => {
      crosshair.set(at?.x ?? null)
      setPointerY(at?.y ?? null)
      const current = state.current?.scene
      if (current && current.lines.length > 1) {
        const near = at && byDistance(readingsAt(current, at.x), at.y, current.logY)[0]
        highlight.set(near ? ownerOf(near.line) : null)
      }
    },
    [crosshair, highlight],
  )
  const onPress = useCallback(
    (x: number) => {
      const pinned = crosshair.pinned()
      const { from, to } = state.current?.scene.x ?? { from: 0, to: 0 }
      const near = ((to - from) * NEAR) / (holder.current?.clientWidth || 1)
      crosshair.pin(pinned !== null && Math.abs(pinned - x) <= near ? null : x)
    },
    [crosshair],
  )
  const told = useMemo(
    () => ({
      scene,
      xKind: view.xKind,
      dark,
      focus,
      unit,
      isZoomed: view.window !== null,
      onPoint,
      onWindow: show,
      onPress,
    }),
    [scene, view.xKind, view.window, dark, focus, unit, onPoint, show, onPress],
  )

  // biome-ignore lint/correctness/useExhaustiveDependencies: made anew only where uPlot's scales are of another kind; what else changes is told by refresh.
  useEffect(() => {
    const element = holder.current
    if (!element) return
    state.current = { ...told }
    const made = createPlot(element, state.current, element.clientWidth || 300, height)
    plot.current = made
    const moved = () => made.point(crosshair.get())
    moved()
    const unsubscribe = crosshair.subscribe(moved)
    const observer = new ResizeObserver(() => made.resize(element.clientWidth || 300, height))
    observer.observe(element)
    return () => {
      observer.disconnect()
      unsubscribe()
      made.destroy()
      plot.current = null
    }
  }, [scene.logX, scene.logY, height, crosshair])

  useEffect(() => {
    if (!state.current) return
    const isOtherWindow = state.current.scene.x !== told.scene.x
    Object.assign(state.current, told)
    plot.current?.refresh()
    if (isOtherWindow) plot.current?.point(crosshair.get())
  }, [told, crosshair])

  const pressed = (event: KeyboardEvent) => {
    const first = scene.lines[0]?.line
    if (!first || event.ctrlKey || event.altKey || event.metaKey) return
    const place = crosshair.get() ?? (scene.x.from + scene.x.to) / 2
    const back = event.key === 'ArrowLeft'
    if ((back || event.key === 'ArrowRight') && event.shiftKey) {
      if (view.window) show(panned(scene.x, back ? -PAN : PAN, scene.logX), false)
    } else if (back || event.key === 'ArrowRight') {
      const at = nearest(first.x, place) + (back ? -1 : 1)
      crosshair.set(first.x[Math.min(Math.max(at, 0), first.x.length - 1)] ?? null)
    } else if (event.key === '+' || event.key === '=') {
      show(zoomed(scene.x, 1 / STEP, crosshair.get(), scene.logX), false)
    } else if (event.key === '-' && view.window) {
      show(zoomed(scene.x, STEP, crosshair.get(), scene.logX), false)
    } else if (event.key === 'Enter') {
      crosshair.pin(crosshair.pinned() === null ? crosshair.get() : null)
    } else if (event.key === 'Escape' && (view.window || crosshair.pinned() !== null)) {
      crosshair.pin(null)
      if (view.window) onWindow?.(null, false)
    } else {
      return
    }
    event.preventDefault()
    event.stopPropagation()
  }

  return (
    <div className={classes.chart}>
      {/* biome-ignore lint/a11y/useSemanticElements: a picture made of canvas and layers, with keys of its own */}
      <div
        role="group"
        className={classes.plot}
        ref={holder}
        style={{ height }}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: arrow keys move the crosshair
        tabIndex={0}
        aria-label={summary(title, lines, view, xLabel)}
        aria-describedby={hint}
        onKeyDown={pressed}
        onBlur={() => crosshair.set(null)}
      />
      <span id={hint} className={classes.hidden}>
        Arrow keys move along the first line, Enter keeps the place. Plus and minus zoom, Shift and arrow keys move the
        window, Escape shows all.
      </span>
      <Readout
        scene={scene}
        xKind={view.xKind}
        xLabel={xLabel}
        crosshair={crosshair}
        pointerY={pointerY}
        focus={focus}
        rows={legendRows}
        dark={dark}
        unit={unit}
        onFocus={highlight.set}
      />
      {hidden > 0 && (
        <p className={classes.note}>
          {hidden.toLocaleString('en')} of the points drawn are not above zero and have no place on a logarithmic axis.
        </p>
      )}
    </div>
  )
}

function summary(title: string, lines: readonly Line[], view: View, xLabel: string): string {
  const first = lines[0]
  if (!first || first.x.length === 0) {
    return `Chart of ${title}: no values.`
  }
  const last = first.x.length - 1
  const points = lines.reduce((sum, line) => sum + line.total, 0)
  const count = lines.length === 1 ? 'one line' : `${lines.length} lines`
  const end = `${formatNumber(first.y[last] as number)} at ${formatX(first.x[last] as number, view.xKind, xLabel)}`
  return `Chart of ${title}: ${count}, ${points} points; ${lines.length > 1 ? 'the first ends' : 'ends'} with ${end}.`
}
