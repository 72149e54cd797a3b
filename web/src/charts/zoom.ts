import type { Span } from './types'

/** Windows of x, made narrower, wider and moved; on a logarithmic axis as the eye sees them. */

/** So many times narrower or wider a press of a button makes a window. */
export const STEP = 2
/** This share of itself a press of a button moves a window. */
export const PAN = 0.5

/** The narrowest window, as a share of its values: below it their last bits are all that differs. */
const NARROWEST = 1e-12

function onScale(span: Span, log: boolean): Span {
  return log ? { from: Math.log10(span.from), to: Math.log10(span.to) } : span
}

function offScale(span: Span, log: boolean): Span {
  return log ? { from: 10 ** span.from, to: 10 ** span.to } : span
}

/** The window `factor` times as wide; `around` (a value of x, the middle if null) stays where it is. */
export function zoomed(window: Span, factor: number, around: number | null, log: boolean): Span {
  const { from, to } = onScale(window, log)
  const inside = around !== null && around >= window.from && around <= window.to
  const fixed = inside ? (log ? Math.log10(around) : around) : (from + to) / 2
  const next = offScale({ from: fixed - (fixed - from) * factor, to: fixed + (to - fixed) * factor }, log)
  const least = Math.max(Math.abs(next.from), Math.abs(next.to)) * NARROWEST
  return next.to - next.from > least ? next : window
}

/** The window moved by a share of its width: to the right where `share` is above zero. */
export function panned(window: Span, share: number, log: boolean): Span {
  const { from, to } = onScale(window, log)
  const by = (to - from) * share
  return offScale({ from: from + by, to: to + by }, log)
}

/** The window, moved or cut so that it lies within all that there is; null where it holds all of it. */
export function within(window: Span, all: Span | null, log: boolean): Span | null {
  if (!all || !(all.from < all.to)) return window
  if (window.from <= all.from && window.to >= all.to) return null
  if (window.from < all.from || window.to > all.to) {
    const { from, to } = onScale(window, log)
    const edges = onScale(all, log)
    const width = to - from
    if (width >= edges.to - edges.from) return null
    const start = Math.min(Math.max(from, edges.from), edges.to - width)
    return offScale({ from: start, to: start + width }, log)
  }
  return window
}

/**
 * The window in which two places of x lie at two shares (0 left, 1 right) of the chart's width: what two fingers hold
 * goes with them. Null where the fingers are too close to tell.
 */
export function held(places: readonly [number, number], shares: readonly [number, number], log: boolean): Span | null {
  const [a, b] = log ? [Math.log10(places[0]), Math.log10(places[1])] : places
  const apart = shares[1] - shares[0]
  if (Math.abs(apart) < 0.02 || a === b) return null
  const width = (b - a) / apart
  if (!(width > 0) || !Number.isFinite(width)) return null
  const from = a - shares[0] * width
  return offScale({ from, to: from + width }, log)
}

/** The value of x at a share of a window. */
export function placeAt(window: Span, share: number, log: boolean): number {
  const { from, to } = onScale(window, log)
  const place = from + (to - from) * share
  return log ? 10 ** place : place
}
