import uPlot from 'uplot'
import { ink } from './colours'
import { listenForGestures } from './gestures'
import { paint } from './paint'
import type { Scene } from './scene'
import { xTicks, yTicks } from './ticks'
import type { Span, XKind } from './types'
import type { Unit } from './units'

/** What a plot shows and whom it tells. Read anew at every drawing, so it may change at any time. */
export interface PlotState {
  scene: Scene
  xKind: XKind
  dark: boolean
  focus: string | null
  unit: Unit | undefined
  /** The pointer is at (x, y) of the axes; null when it has left. */
  onPoint: (at: { x: number; y: number } | null) => void
  /** A window was chosen, or taken back (null); `moving` while a gesture goes on. */
  onWindow: (window: Span | null, moving: boolean) => void
  /** Whether the window is a part of all that there is. */
  isZoomed: boolean
  /** A place of x was clicked at or tapped. */
  onPress: (x: number) => void
}

export interface Plot {
  /** Show the state as it is now; `axes` where scales or axes may have changed. */
  readonly refresh: () => void
  readonly resize: (width: number, height: number) => void
  /** Put the crosshair at x, or take it away. */
  readonly point: (x: number | null) => void
  readonly destroy: () => void
}

const FONT = '11px system-ui, sans-serif'

/**
 * A uPlot whose lines we draw ourselves: uPlot has the axes, the cursor and the selection, while lines keep their own
 * x values. uPlot's own table of all x values would have a cell for each x of each line: 40 million for 200 lines of
 * 1,000 points each.
 */
export function createPlot(element: HTMLElement, state: PlotState, width: number, height: number): Plot {
  const data = (): uPlot.AlignedData => [
    [state.scene.x.from, state.scene.x.to],
    [state.scene.y.from, state.scene.y.to],
  ]
  let moving = false

  const pointed = (plot: uPlot) => {
    if (moving) {
      return
    }
    const { left, top } = plot.cursor
    const inside = left !== undefined && left >= 0 && top !== undefined && top >= 0
    state.onPoint(inside ? { x: plot.posToVal(left, 'x'), y: plot.posToVal(top, 'y') } : null)
  }

  const chosen = (plot: uPlot) => {
    const { left, width: length } = plot.select
    if (length >= 4) {
      const from = plot.posToVal(left, 'x')
      const to = plot.posToVal(left + length, 'x')
      plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false)
      state.onWindow({ from, to }, false)
    }
  }

  const draw = (plot: uPlot) => {
    const { ctx, bbox } = plot
    ctx.save()
    ctx.beginPath()
    // Dots at the edges are drawn whole.
    const room = 3 * uPlot.pxRatio
    ctx.rect(bbox.left - room, bbox.top, bbox.width + 2 * room, bbox.height)
    ctx.clip()
    const to = {
      x: (value: number) => plot.valToPos(value, 'x', true),
      y: (value: number) => plot.valToPos(value, 'y', true),
      logX: state.scene.logX,
      logY: state.scene.logY,
    }
    paint(ctx, state.scene, to, {
      dark: state.dark,
      ratio: uPlot.pxRatio,
      focus: state.focus,
      bottom: bbox.top + bbox.height,
    })
    ctx.restore()
  }

  const across = (plot: uPlot) =>
    xTicks(state.xKind, state.scene.x.from, state.scene.x.to, wantedX(plot), state.scene.logX)
  const up = (plot: uPlot) => yTicks(state.scene.y.from, state.scene.y.to, wantedY(plot), state.scene.logY, state.unit)
  const shared = {
    font: FONT,
    stroke: () => ink(state.dark).text,
    grid: { stroke: () => ink(state.dark).grid, width: 1 },
    ticks: { stroke: () => ink(state.dark).grid, width: 1, size: 4 },
    // uPlot draws no axis where none of its increments fits, and knows the digits only of its own ones below 5. The
    // places are ours anyway.
    incrs: (_plot: uPlot, _axis: number, from: number, to: number) => [Math.max(5, (to - from) / 2)],
    space: 1,
  }

  const options: uPlot.Options = {
    width,
    height,
    legend: { show: false },
    padding: [8, 22, 0, 0],
    cursor: {
      y: false,
      points: { show: false },
      drag: { x: true, y: false, setScale: false },
      bind: {
        dblclick: () => () => {
          state.onWindow(null, false)
          return null
        },
      },
    },
    scales: {
      x: { time: false, distr: state.scene.logX ? 3 : 1, range: () => [state.scene.x.from, state.scene.x.to] },
      y: { distr: state.scene.logY ? 3 : 1, range: () => [state.scene.y.from, state.scene.y.to] },
    },
    axes: [
      {
        ...shared,
        size: 28,
        gap: 3,
        splits: (plot) => [...across(plot).at],
        values: (plot) => [...across(plot).labels],
      },
      {
        ...shared,
        gap: 3,
        size: (_plot, labels) => 14 + 6.6 * Math.max(3, ...(labels ?? []).map((label) => label.length)),
        splits: (plot) => [...up(plot).at],
        values: (plot) => [...up(plot).labels],
      },
    ],
    series: [{}, { paths: () => null, points: { show: false } }],
    hooks: { draw: [draw], setCursor: [pointed], setSelect: [chosen] },
  }

  const plot = new uPlot(options, data(), element)

  const endGestures = listenForGestures(plot.over, {
    window: () => state.scene.x,
    log: () => state.scene.logX,
    isZoomed: () => state.isZoomed,
    show: (window, moving) => state.onWindow(window, moving),
    point: (x, clientY) => {
      const top = clientY - plot.over.getBoundingClientRect().top
      state.onPoint(x === null ? null : { x, y: plot.posToVal(top, 'y') })
    },
    press: (x) => state.onPress(x),
  })

  return {
    refresh: () => plot.setData(data(), true),
    resize: (newWidth, newHeight) => plot.setSize({ width: newWidth, height: newHeight }),
    point: (x) => {
      moving = true
      const { from, to } = state.scene.x
      const left = x === null || x < from || x > to ? -10 : plot.valToPos(x, 'x')
      plot.setCursor({ left, top: left < 0 ? -10 : 0 })
      moving = false
    },
    destroy: () => {
      endGestures()
      plot.destroy()
    },
  }
}

function wantedX(plot: uPlot): number {
  return Math.max(2, Math.round((plot.bbox.width || 400) / uPlot.pxRatio / 80))
}

function wantedY(plot: uPlot): number {
  return Math.max(2, Math.round((plot.bbox.height || 200) / uPlot.pxRatio / 30))
}
