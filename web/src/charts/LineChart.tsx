import 'uplot/dist/uPlot.min.css'
import { type KeyboardEvent, useCallback, useEffect, useId, useMemo, useRef, useState } from 'react'
import { type Crosshair, createCrosshair } from './crosshair'
import { formatNumber, formatX } from './format'
import classes from './LineChart.module.css'
import { createPlot, type Plot, type PlotState } from './plot'
import { Readout } from './Readout'
import { byDistance, readingsAt } from './readings'
import { hiddenByLog, sceneOf } from './scene'
import { nearest } from './search'
import type { Line, Span, View } from './types'

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
  /** How y is written; for bytes and percents. */
  readonly formatY?: ((value: number) => string) | undefined
  readonly onWindow?: ((window: Span | null) => void) | undefined
  readonly legendRows?: number | undefined
}

/** Lines over x. Drag chooses a window, a double click takes it back; arrow keys move along the first line. */
export function LineChart(props: LineChartProps) {
  const { title, lines, view, height, dark, xLabel = '', formatY, onWindow, legendRows = 6 } = props
  const own = useMemo(createCrosshair, [])
  const crosshair = props.crosshair ?? own
  const scene = useMemo(() => sceneOf(lines, view), [lines, view])
  const hidden = useMemo(() => hiddenByLog(scene), [scene])
  const [pointerY, setPointerY] = useState<number | null>(null)
  const [focus, setFocus] = useState<string | null>(null)
  const holder = useRef<HTMLDivElement>(null)
  const plot = useRef<Plot | null>(null)
  const state = useRef<PlotState | null>(null)
  const hint = useId()

  const onPoint = useCallback(
    (at: { x: number; y: number } | null) => {
      crosshair.set(at?.x ?? null)
      setPointerY(at?.y ?? null)
      const current = state.current?.scene
      if (current && current.lines.length > 1) {
        const near = at && byDistance(readingsAt(current, at.x), at.y, current.logY)[0]
        setFocus(near ? near.line.id : null)
      }
    },
    [crosshair],
  )
  const onChosen = useCallback((window: Span | null) => onWindow?.(window), [onWindow])

  // biome-ignore lint/correctness/useExhaustiveDependencies: made anew only where uPlot's scales are of another kind; what else changes is told by refresh.
  useEffect(() => {
    const element = holder.current
    if (!element) {
      return
    }
    state.current = { scene, xKind: view.xKind, dark, focus: null, formatY, onPoint, onWindow: onChosen }
    const made = createPlot(element, state.current, element.clientWidth || 300, height)
    plot.current = made
    const moved = () => made.point(crosshair.get())
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
    if (state.current) {
      Object.assign(state.current, { scene, xKind: view.xKind, dark, focus, formatY, onPoint, onWindow: onChosen })
      plot.current?.refresh()
    }
  }, [scene, view.xKind, dark, focus, formatY, onPoint, onChosen])

  const pressed = (event: KeyboardEvent) => {
    const first = scene.lines[0]?.line
    if (!first || event.ctrlKey || event.altKey || event.metaKey) {
      return
    }
    const middle = crosshair.get() ?? (scene.x.from + scene.x.to) / 2
    const length = scene.x.to - scene.x.from
    if (event.key === 'ArrowLeft' || event.key === 'ArrowRight') {
      const at = nearest(first.x, middle) + (event.key === 'ArrowLeft' ? -1 : 1)
      crosshair.set(first.x[Math.min(Math.max(at, 0), first.x.length - 1)] ?? null)
    } else if (event.key === '+') {
      onWindow?.({ from: middle - length / 4, to: middle + length / 4 })
    } else if (event.key === '-') {
      onWindow?.({ from: scene.x.from - length / 2, to: scene.x.to + length / 2 })
    } else if (event.key === 'Escape' && view.window) {
      onWindow?.(null)
    } else {
      return
    }
    event.preventDefault()
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
      />
      <span id={hint} className={classes.hidden}>
        Arrow keys move along the first line, plus and minus zoom, Escape shows all.
      </span>
      <Readout
        scene={scene}
        xKind={view.xKind}
        xLabel={xLabel}
        crosshair={crosshair}
        pointerY={pointerY}
        rows={legendRows}
        dark={dark}
        formatY={formatY}
        onFocus={setFocus}
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
