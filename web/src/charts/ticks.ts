import { formatDuration, formatTicks } from './format'
import type { XKind } from './types'
import type { Unit } from './units'

/** Round places between two values, about `wanted` of them; powers of ten where `log`. */
export function ticks(from: number, to: number, wanted: number, log: boolean): number[] {
  if (!(from < to) || wanted < 1) {
    return [from]
  }
  if (log) {
    const low = Math.ceil(Math.log10(from) - 1e-9)
    const high = Math.floor(Math.log10(to) + 1e-9)
    const stride = Math.max(1, Math.ceil((high - low + 1) / wanted))
    const out: number[] = []
    for (let power = low; power <= high; power += stride) {
      out.push(10 ** power)
    }
    return out.length > 1 ? out : ticks(from, to, wanted, false).filter((value) => value > 0)
  }
  const rough = (to - from) / wanted
  const unit = 10 ** Math.floor(Math.log10(rough))
  const step = ([1, 2, 5, 10].find((factor) => factor * unit >= rough) ?? 10) * unit
  const out: number[] = []
  const first = Math.ceil(from / step - 1e-9)
  const last = Math.floor(to / step + 1e-9)
  for (let i = first; i <= last && out.length < 100; i++) {
    out.push(Number((i * step).toPrecision(12)))
  }
  return out
}

const STRIDES = [
  1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400, 172800, 432000, 864000,
  2592000, 7776000, 31536000,
]

/** Multiples of a stride of clock or calendar between two moments or durations, in seconds. */
function timeTicks(from: number, to: number, wanted: number, offset: number): number[] {
  const rough = (to - from) / wanted
  if (rough < 1 || rough > 31536000) {
    return ticks(from, to, wanted, false)
  }
  const stride = STRIDES.find((seconds) => seconds >= rough) ?? 31536000
  const out: number[] = []
  for (let i = Math.ceil((from + offset) / stride); i * stride - offset <= to; i++) {
    out.push(i * stride - offset)
  }
  return out
}

export interface AxisTicks {
  readonly at: readonly number[]
  readonly labels: readonly string[]
}

function clock(seconds: number, stride: number): string {
  const date = new Date(seconds * 1000)
  const two = (value: number) => String(value).padStart(2, '0')
  if (stride >= 86400 || (date.getHours() === 0 && date.getMinutes() === 0 && date.getSeconds() === 0)) {
    return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`
  }
  const minute = `${two(date.getHours())}:${two(date.getMinutes())}`
  if (stride >= 60) {
    return minute
  }
  const second = date.getSeconds() + (stride < 1 ? date.getMilliseconds() / 1000 : 0)
  return `${minute}:${stride < 1 ? second.toFixed(3).padStart(6, '0') : two(second)}`
}

/** Ticks of the x axis, by what x means. */
export function xTicks(kind: XKind, from: number, to: number, wanted: number, log: boolean): AxisTicks {
  if (log || kind === 'number') {
    const at = ticks(from, to, wanted, log)
    return { at, labels: formatTicks(at) }
  }
  if (kind === 'step') {
    const at = ticks(from, to, Math.max(1, Math.min(wanted, to - from)), false).filter(Number.isInteger)
    const kept = at.length > 0 ? at : [Math.ceil(from)]
    return { at: kept, labels: formatTicks(kept) }
  }
  const offset = kind === 'time' ? -new Date(from * 1000).getTimezoneOffset() * 60 : 0
  const at = timeTicks(from, to, wanted, offset)
  const stride = at.length > 1 ? (at[1] as number) - (at[0] as number) : to - from
  if (kind === 'time') {
    return { at, labels: at.map((value) => clock(value, stride)) }
  }
  const labels = stride < 1 ? formatTicks(at).map((label) => `${label} s`) : at.map(formatDuration)
  return { at, labels }
}

/** Ticks of the y axis. */
export function yTicks(from: number, to: number, wanted: number, log: boolean, unit?: Unit): AxisTicks {
  const at = unit?.binary && !log ? binaryTicks(from, to, wanted) : ticks(from, to, wanted, log)
  return { at, labels: unit ? at.map(unit.format) : formatTicks(at) }
}

/** Places that are round in KiB, MiB, GiB, whichever the greatest of them is written in. */
function binaryTicks(from: number, to: number, wanted: number): number[] {
  const most = Math.max(Math.abs(from), Math.abs(to))
  const scale = 1024 ** Math.max(0, Math.floor(Math.log2(most) / 10))
  return ticks(from / scale, to / scale, wanted, false).map((value) => value * scale)
}
