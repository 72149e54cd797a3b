import { NO_SMOOTHING, type Smoothing, type Span, type View } from '../../../charts/types'

/** What the address holds of the charts. */
export interface ChartSettings {
  readonly x: 'step' | 'time' | 'relative'
  readonly logX: boolean
  readonly logY: boolean
  readonly smoothing: Smoothing
  readonly window: Span | null
}

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
  return {
    x: x === 'time' || x === 'relative' ? x : 'step',
    logX: get('logx') === '1',
    logY: get('logy') === '1',
    smoothing: readSmoothing(get('smooth')),
    window: readSpan(get('zoom')),
  }
}

export function viewOf(settings: ChartSettings): View {
  return { ...settings, xKind: settings.x }
}

/** What the x axis is called in files. */
export function xLabelOf(settings: ChartSettings): string {
  return settings.x === 'step' ? 'step' : settings.x === 'time' ? 'time (s since 1970)' : 'seconds since start'
}
