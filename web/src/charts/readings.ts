import type { Scene } from './scene'
import { nearest } from './search'
import type { Line } from './types'

/** What one line says at a place of x. */
export interface Reading {
  readonly line: Line
  readonly x: number
  readonly y: number
  readonly smooth: number | null
  readonly low: number | null
  readonly high: number | null
}

/** Each line's nearest point to x (its last, where x is null), those in order of the lines. */
export function readingsAt(scene: Scene, x: number | null): Reading[] {
  const out: Reading[] = []
  for (const { line, smooth } of scene.lines) {
    const at = x === null ? line.x.length - 1 : nearest(line.x, x)
    if (at >= 0) {
      out.push({
        line,
        x: line.x[at] as number,
        y: line.y[at] as number,
        smooth: smooth ? (smooth[at] as number) : null,
        low: line.low ? (line.low[at] as number) : null,
        high: line.high ? (line.high[at] as number) : null,
      })
    }
  }
  return out
}

/** The readings by distance to y, nearest first: distance as the eye sees it, so in the logarithm where the axis has it. */
export function byDistance(readings: readonly Reading[], y: number, log: boolean): Reading[] {
  const place = (value: number) => (log ? Math.log(Math.max(value, Number.MIN_VALUE)) : value)
  const distance = (reading: Reading) => {
    const away = Math.abs(place(reading.smooth ?? reading.y) - place(y))
    return Number.isNaN(away) ? Number.POSITIVE_INFINITY : away
  }
  return [...readings].sort((a, b) => distance(a) - distance(b) || 0)
}
