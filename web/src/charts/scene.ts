import { padded, xExtent, yExtent } from './ranges'
import { smoothed } from './smoothing'
import type { Line, Smoothing, Span, View } from './types'

/** A line, and its smoothed values where there are any. */
export interface SceneLine {
  readonly line: Line
  readonly smooth: Float64Array | null
}

/** Lines ready to be drawn, and the window they are drawn in. */
export interface Scene {
  readonly lines: readonly SceneLine[]
  readonly x: Span
  readonly y: Span
  readonly logX: boolean
  readonly logY: boolean
  readonly smoothing: Smoothing
}

/** What a view makes of lines. A logarithm of what is nowhere above zero is left out: that axis stays linear. */
export function sceneOf(lines: readonly Line[], view: View): Scene {
  const wholeX = xExtent(lines, view.logX)
  const logX = view.logX && (wholeX !== null || lines.length === 0)
  const extent = wholeX ?? xExtent(lines, false)
  const window = view.window && view.window.from < view.window.to ? view.window : null
  const hasDots = lines.some((line) => line.shape === 'points')
  const x =
    window && (!logX || window.from > 0)
      ? window
      : extent && extent.from < extent.to && !hasDots
        ? extent
        : padded(extent, logX, hasDots ? 0.03 : 0)
  const wholeY = yExtent(lines, x, view.logY)
  const logY = view.logY && (wholeY !== null || lines.length === 0)
  const extentY = wholeY ?? yExtent(lines, x, false)
  const y = withShown(padded(extentY, logY, 0.06), extentY, logY ? undefined : view.showsY)
  return {
    lines: lines.map((line) => ({ line, smooth: smoothed(line.y, view.smoothing) })),
    x,
    y,
    logX,
    logY,
    smoothing: view.smoothing,
  }
}

/** The range of y with the values that are always shown: their ends are its own, unless the lines go beyond them. */
function withShown(range: Span, extent: Span | null, shows: Span | undefined): Span {
  if (!shows || !extent) return range
  const from = extent.from >= shows.from ? shows.from : range.from
  const to = Math.max(shows.to + (shows.to - from) * 0.03, extent.to + (extent.to - from) * 0.06)
  return from < to ? { from, to } : range
}

/** Points that a logarithmic axis cannot show: at or below zero. */
export function hiddenByLog(scene: Scene): number {
  if (!scene.logX && !scene.logY) {
    return 0
  }
  let hidden = 0
  for (const { line } of scene.lines) {
    for (let i = 0; i < line.x.length; i++) {
      if ((scene.logX && (line.x[i] as number) <= 0) || (scene.logY && (line.y[i] as number) <= 0)) {
        hidden++
      }
    }
  }
  return hidden
}
