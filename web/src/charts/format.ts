import type { XKind } from './types'

/** A number as people read it: about `digits` significant digits, an exponent where it would be long. */
export function formatNumber(value: number, digits = 5): string {
  if (Number.isNaN(value)) {
    return 'NaN'
  }
  if (!Number.isFinite(value)) {
    return value > 0 ? '∞' : '−∞'
  }
  const size = Math.abs(value)
  if (Number.isInteger(value) && size < 1e9) {
    return minus(String(value))
  }
  if (size !== 0 && (size < 1e-4 || size >= 1e9)) {
    const [mantissa = '', exponent = ''] = value.toExponential(digits - 1).split('e')
    return minus(`${trimmed(mantissa)}e${exponent.replace('+', '')}`)
  }
  return minus(trimmed(value.toPrecision(Math.max(digits, Math.ceil(Math.log10(size + 1))))))
}

function trimmed(text: string): string {
  return text.includes('.') ? text.replace(/\.?0+$/, '') : text
}

function minus(text: string): string {
  return text.replace('-', '−').replace('e−', 'e-')
}

/** Seconds as "1 h 02 m", "3 m 05 s", "4.2 s", "12 ms". */
export function formatDuration(seconds: number): string {
  if (!Number.isFinite(seconds)) {
    return formatNumber(seconds)
  }
  const sign = seconds < 0 ? '−' : ''
  const size = Math.abs(seconds)
  if (size === 0) {
    return '0 s'
  }
  if (size < 1) {
    return `${sign}${formatNumber(size * 1000, 3)} ms`
  }
  if (size < 59.95) {
    return `${sign}${formatNumber(Math.round(size * 100) / 100, 4)} s`
  }
  const whole = Math.round(size)
  const days = Math.floor(whole / 86400)
  const hours = Math.floor((whole % 86400) / 3600)
  const minutes = Math.floor((whole % 3600) / 60)
  if (days > 0) {
    return hours > 0 ? `${sign}${days} d ${hours} h` : `${sign}${days} d`
  }
  if (hours > 0) {
    return minutes > 0 ? `${sign}${hours} h ${two(minutes)} m` : `${sign}${hours} h`
  }
  return whole % 60 > 0 ? `${sign}${minutes} m ${two(whole % 60)} s` : `${sign}${minutes} m`
}

function two(value: number): string {
  return String(value).padStart(2, '0')
}

/** Bytes as "1.5 GiB". */
export function formatBytes(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB']
  let value = bytes
  let unit = 0
  while (Math.abs(value) >= 1024 && unit < units.length - 1) {
    value /= 1024
    unit++
  }
  return `${formatNumber(value, 4)} ${units[unit]}`
}

/** A moment (seconds since 1970) in the reader's own time, with milliseconds where there are any. */
export function formatTime(seconds: number): string {
  const date = new Date(seconds * 1000)
  if (Number.isNaN(date.getTime())) {
    return ''
  }
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`
  const clock = `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`
  const rest = date.getMilliseconds()
  return rest ? `${day} ${clock}.${String(rest).padStart(3, '0')}` : `${day} ${clock}`
}

/** A place on the x axis in words: "step 12", "3 m 05 s", a time, or a number. */
export function formatX(value: number, kind: XKind, label = ''): string {
  switch (kind) {
    case 'step':
      return `${label || 'step'} ${formatNumber(value, 17)}`
    case 'time':
      return formatTime(value)
    case 'relative':
      return formatDuration(value)
    default:
      return label ? `${label} ${formatNumber(value, 7)}` : formatNumber(value, 7)
  }
}

/** Values of axis ticks: as many digits as tell neighbours apart. */
export function formatTicks(ticks: readonly (number | null)[], format?: (value: number) => string): string[] {
  if (format) {
    return ticks.map((tick) => (tick === null ? '' : format(tick)))
  }
  for (let digits = 3; digits < 15; digits++) {
    const texts = ticks.map((tick) => (tick === null ? '' : formatNumber(tick, digits)))
    const told = texts.filter((text) => text !== '')
    if (new Set(told).size === told.length) {
      return texts
    }
  }
  return ticks.map((tick) => (tick === null ? '' : formatNumber(tick, 15)))
}
