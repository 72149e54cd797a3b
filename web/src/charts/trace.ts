import { lowerBound } from './search'
import type { Line, Span } from './types'

/** What a line is written with: Path2D of a canvas, or the text of an SVG path. */
export interface Pen {
  moveTo(x: number, y: number): void
  lineTo(x: number, y: number): void
  /** A dot around a place. */
  dot(x: number, y: number): void
}

/** From values to pixels. */
export interface Projection {
  x(value: number): number
  y(value: number): number
  readonly logX: boolean
  readonly logY: boolean
}

/** More dots than these hide the line. */
const MOST_DOTS = 80

/** The points of a line that a window shows, and the neighbour on each side. */
export function shown(line: Line, window: Span): { start: number; stop: number } {
  const start = Math.max(0, lowerBound(line.x, window.from) - 1)
  let stop = lowerBound(line.x, window.to)
  while (stop < line.x.length && line.x[stop] === window.to) {
    stop++
  }
  return { start, stop: Math.min(line.x.length, stop + 1) }
}

/** Whether a line has so few points in the window that each is marked. */
function isMarked(line: Line, window: Span): boolean {
  const { start, stop } = shown(line, window)
  return line.exact && stop - start <= MOST_DOTS
}

/** How a line's values are written in a window. */
export type Shape = 'line' | 'points' | 'marked' | 'steps'

export function shapeOf(line: Line, window: Span): Shape {
  if (line.shape === 'points' || line.shape === 'steps') return line.shape
  return isMarked(line, window) ? 'marked' : 'line'
}

/** Write a line's values from start to stop: gaps stay gaps, a value between two gaps is a dot. */
export function trace(
  pen: Pen,
  x: Float64Array,
  y: Float64Array,
  range: { start: number; stop: number },
  to: Projection,
  shape: Shape,
): void {
  const isBare = shape === 'line' || shape === 'steps'
  let open = false
  let alone = false
  let lastX = 0
  let lastY = 0
  for (let i = range.start; i < range.stop; i++) {
    const value = y[i] as number
    const place = x[i] as number
    if (!Number.isFinite(value) || (to.logY && value <= 0) || (to.logX && place <= 0)) {
      if (alone && isBare) {
        pen.dot(lastX, lastY)
      }
      open = false
      alone = false
      continue
    }
    lastX = to.x(place)
    if (open && shape === 'steps') {
      pen.lineTo(lastX, lastY)
    }
    lastY = to.y(value)
    if (!isBare) {
      pen.dot(lastX, lastY)
    }
    if (shape !== 'points') {
      if (open) {
        pen.lineTo(lastX, lastY)
      } else {
        pen.moveTo(lastX, lastY)
      }
      alone = !open
      open = true
    }
  }
  if (alone && isBare) {
    pen.dot(lastX, lastY)
  }
}

/** Write the outline of a band between low and high, one for each stretch without a gap. */
export function traceBand(
  pen: Pen,
  line: Line,
  range: { start: number; stop: number },
  to: Projection,
  floor: number,
): void {
  const { low, high } = line
  if (!low || !high) {
    return
  }
  const told = (i: number) =>
    Number.isFinite(low[i]) &&
    Number.isFinite(high[i]) &&
    (!to.logY || (high[i] as number) > 0) &&
    (!to.logX || (line.x[i] as number) > 0)
  let start = range.start
  while (start < range.stop) {
    if (!told(start)) {
      start++
      continue
    }
    let stop = start
    while (stop < range.stop && told(stop)) {
      const place = to.x(line.x[stop] as number)
      const height = to.y(high[stop] as number)
      if (stop === start) {
        pen.moveTo(place, height)
      } else {
        pen.lineTo(place, height)
      }
      stop++
    }
    for (let i = stop - 1; i >= start; i--) {
      const value = low[i] as number
      pen.lineTo(to.x(line.x[i] as number), to.logY && value <= 0 ? floor : to.y(value))
    }
    start = stop
  }
}
