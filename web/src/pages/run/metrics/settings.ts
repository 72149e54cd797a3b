import type { Metric } from '../../../api/types'
import { NO_SMOOTHING, type Smoothing, type Span, type View } from '../../../charts/types'

/** What the address holds of the charts. */
export interface ChartSettings {
  readonly x: 'step' | 'time' | 'relative'
  readonly logX: boolean
  readonly logY: boolean
  readonly smoothing: Smoothing
  readonly size: ChartSize
}

/** How large charts are in the grid; the large ones take its whole width. */
export type ChartSize = 'small' | 'medium' | 'large'

/** Heights of plots in px. */
export const HEIGHTS: Readonly<Record<ChartSize, number>> = { small: 120, medium: 200, large: 340 }
/** The height of plots of that size; those of a page that has room for them are higher. */
export function heightOf(size: ChartSize, charts: number): number {
  return size === 'medium' && charts <= ROOMY ? HEIGHTS.large : HEIGHTS[size]
}
const ROOMY = 2

/** The least widths of cards in px. */
export const WIDTHS: Readonly<Record<ChartSize, number>> = { small: 260, medium: 400, large: 10_000 }

/** "ema:0.6" or "window:20"; anything else is no smoothing. */
export function readSmoothing(text: string | null): Smoothing {
  const [kind, amount] = (text ?? '').split(':')
  const value = Number(amount)
  if (kind === 'ema' && value > 0 && value < 1) return { kind, amount: value }
  if (kind === 'window' && value >= 2 && value <= 10_000) return { kind, amount: Math.round(value) }
  return NO_SMOOTHING
}

export function writeSmoothing({ kind, amount }: Smoothing): string | null {
  return kind === 'none' ? null : `${kind}:${amount}`
}

/** "from:to" in units of x. */
export function readSpan(text: string | null): Span | null {
  const parts = (text ?? '').split(':')
  if (parts.length !== 2 || parts.some((part) => part === '')) return null
  const [from = Number.NaN, to = Number.NaN] = parts.map(Number)
  return Number.isFinite(from) && Number.isFinite(to) && from < to ? { from, to } : null
}

export function writeSpan(span: Span | null): string | null {
  return span && `${Number(span.from.toPrecision(15))}:${Number(span.to.toPrecision(15))}`
}

/** The settings that an address tells. */
export function readSettings(get: (name: string) => string | null): ChartSettings {
  const x = get('x')
  const size = get('size')
  return {
    x: x === 'time' || x === 'relative' ? x : 'step',
    logX: get('logx') === '1',
    logY: get('logy') === '1',
    smoothing: readSmoothing(get('smooth')),
    size: size === 'small' || size === 'large' ? size : 'medium',
  }
}

export function viewOf({ x, logX, logY, smoothing }: ChartSettings, window: Span | null): View {
  return { xKind: x, logX, logY, smoothing, window }
}

/** From the least to the greatest x that the metrics have; null where there is no width in it. `startMs`: the run's. */
export function extentOf(metrics: readonly Metric[], x: ChartSettings['x'], startMs: number): Span | null {
  let from = Number.POSITIVE_INFINITY
  let to = Number.NEGATIVE_INFINITY
  for (const { first_step, last_step, first_time, last_time } of metrics) {
    const ends =
      x === 'step'
        ? [first_step, last_step]
        : [first_time, last_time].map((time) => time && (Date.parse(time) - (x === 'relative' ? startMs : 0)) / 1000)
    for (const end of ends) {
      if (typeof end !== 'number' || !Number.isFinite(end)) continue
      from = Math.min(from, end)
      to = Math.max(to, end)
    }
  }
  return from < to ? { from, to } : null
}

/** What the x axis is called in files. */
export function xLabelOf(settings: ChartSettings): string {
  return settings.x === 'step' ? 'step' : settings.x === 'time' ? 'time (s since 1970)' : 'seconds since start'
}
