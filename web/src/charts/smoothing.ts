import type { Smoothing } from './types'

/**
 * The exponential moving average of the points, corrected for its start (so that the first value is the first value).
 * `weight` is that of the past: 0 changes nothing, 0.99 hardly moves. NaN stays NaN and is passed over.
 */
export function movingAverage(y: Float64Array, weight: number): Float64Array {
  const kept = Math.min(Math.max(weight, 0), 0.9999)
  const out = new Float64Array(y.length)
  let mean = 0
  let share = 0
  for (let i = 0; i < y.length; i++) {
    const value = y[i] as number
    if (!Number.isFinite(value)) {
      out[i] = Number.NaN
      continue
    }
    mean = mean * kept + value * (1 - kept)
    share = share * kept + (1 - kept)
    out[i] = mean / share
  }
  return out
}

/** The mean of the `width` points around each (fewer at the ends). NaN stays NaN and counts in no mean. */
export function windowMean(y: Float64Array, width: number): Float64Array {
  const before = Math.floor((Math.max(1, Math.round(width)) - 1) / 2)
  const after = Math.max(1, Math.round(width)) - 1 - before
  const sums = new Float64Array(y.length + 1)
  const counts = new Float64Array(y.length + 1)
  // Values are taken relative to one of them: the sums of great numbers with small differences stay exact enough.
  const origin = y.find((value) => Number.isFinite(value)) ?? 0
  for (let i = 0; i < y.length; i++) {
    const value = y[i] as number
    const told = Number.isFinite(value)
    sums[i + 1] = (sums[i] as number) + (told ? value - origin : 0)
    counts[i + 1] = (counts[i] as number) + (told ? 1 : 0)
  }
  const out = new Float64Array(y.length)
  for (let i = 0; i < y.length; i++) {
    const start = Math.max(0, i - before)
    const stop = Math.min(y.length, i + after + 1)
    const count = (counts[stop] as number) - (counts[start] as number)
    out[i] = Number.isFinite(y[i] as number)
      ? origin + ((sums[stop] as number) - (sums[start] as number)) / count
      : Number.NaN
  }
  return out
}

/** The smoothed values, or null where nothing is to be smoothed. */
export function smoothed(y: Float64Array, smoothing: Smoothing): Float64Array | null {
  if (smoothing.kind === 'ema' && smoothing.amount > 0) {
    return movingAverage(y, smoothing.amount)
  }
  if (smoothing.kind === 'window' && smoothing.amount > 1) {
    return windowMean(y, smoothing.amount)
  }
  return null
}
