import { lowerBound } from './search'
import type { Line, Span } from './types'

/** From least to greatest x of the lines; only what a logarithm has, where `log`. Null where there is nothing. */
export function xExtent(lines: readonly Line[], log: boolean): Span | null {
  let from = Number.POSITIVE_INFINITY
  let to = Number.NEGATIVE_INFINITY
  for (const { x } of lines) {
    const first = log ? x.findIndex((value) => value > 0) : 0
    if (first >= 0 && first < x.length) {
      from = Math.min(from, x[first] as number)
      to = Math.max(to, x[x.length - 1] as number)
    }
  }
  return from <= to ? { from, to } : null
}

/** From least to greatest y within a window of x, bands and the neighbours just outside included. */
export function yExtent(lines: readonly Line[], window: Span | null, log: boolean): Span | null {
  let from = Number.POSITIVE_INFINITY
  let to = Number.NEGATIVE_INFINITY
  for (const line of lines) {
    const start = window ? lowerBound(line.x, window.from) : 0
    let stop = line.x.length
    if (window) {
      stop = lowerBound(line.x, window.to)
      while (stop < line.x.length && line.x[stop] === window.to) {
        stop++
      }
    }
    for (const values of [line.y, line.low, line.high]) {
      if (!values) {
        continue
      }
      for (let i = start; i < stop; i++) {
        const value = values[i] as number
        if (Number.isFinite(value) && (!log || value > 0)) {
          if (value < from) from = value
          if (value > to) to = value
        }
      }
    }
    if (start >= stop && start > 0 && stop < line.x.length) {
      // No point lies in the window, but the line crosses it.
      for (const value of [line.y[start - 1] as number, line.y[stop] as number]) {
        if (Number.isFinite(value) && (!log || value > 0)) {
          from = Math.min(from, value)
          to = Math.max(to, value)
        }
      }
    }
  }
  return from <= to ? { from, to } : null
}

/** A range with room for its lines: `share` of it at each end, and something where it is one value. */
export function padded(span: Span | null, log: boolean, share: number): Span {
  if (!span) {
    return log ? { from: 0.1, to: 10 } : { from: 0, to: 1 }
  }
  if (log) {
    const low = Math.log10(span.from)
    const high = Math.log10(span.to)
    const room = high > low ? (high - low) * share : 0.5
    return { from: 10 ** Math.max(low - room, -323), to: Math.min(10 ** (high + room), Number.MAX_VALUE) }
  }
  const length = span.to - span.from
  // Two values that differ by their last bits only are one value: an axis cannot tell them apart.
  const least = Math.max(Math.abs(span.from), Math.abs(span.to)) * 1e-13
  const room = length > least ? length * share : Math.abs(span.from) * 0.1 || 1
  const from = span.from - room
  const to = span.to + room
  return {
    from: Number.isFinite(from) ? from : -Number.MAX_VALUE / 4,
    to: Number.isFinite(to) ? to : Number.MAX_VALUE / 4,
  }
}
