import { type Axis, asNumber, type Cell, cellText, numberAt, placeOn } from './scales'

/** Which values of an axis are wanted: a range of numbers (both ends in it), or some of its texts. */
export type Brush =
  | { readonly kind: 'range'; readonly from: number; readonly to: number }
  | { readonly kind: 'texts'; readonly texts: readonly string[] }

const NOTHING = '-'

/** A brush as the address has it. */
export function writeBrush(brush: Brush): string {
  return brush.kind === 'range'
    ? `${brush.from}:${brush.to}`
    : brush.texts.length === 0
      ? NOTHING
      : `|${brush.texts.map((text) => encodeURIComponent(text)).join('|')}`
}

/** What `writeBrush` wrote; null for anything else. */
export function readBrush(text: string | null): Brush | null {
  if (text === null || text === '') return null
  if (text === NOTHING) return { kind: 'texts', texts: [] }
  if (text.startsWith('|')) {
    try {
      return { kind: 'texts', texts: text.slice(1).split('|').map(decodeURIComponent) }
    } catch {
      return null
    }
  }
  const parts = text.split(':')
  const [from = Number.NaN, to = Number.NaN] = parts.map((part) => (part === '' ? Number.NaN : Number(part)))
  return parts.length === 2 && from <= to ? { kind: 'range', from, to } : null
}

/** Whether a value is one of those that are wanted; one that is not there never is. */
export function isWanted(cell: Cell, brush: Brush): boolean {
  if (cell === null || cell === undefined) return false
  if (brush.kind === 'texts') return brush.texts.includes(cellText(cell))
  const value = asNumber(cell)
  return value !== null && value >= brush.from && value <= brush.to
}

/** The brush between two places (0 to 1) of an axis; null where nothing lies between them. */
export function brushBetween(axis: Axis, a: number, b: number): Brush | null {
  const [low, high] = [Math.max(0, Math.min(a, b)), Math.min(1, Math.max(a, b))]
  if (axis.kind === 'number') {
    // Short numbers: what a hand has drawn is not exact anyway.
    const [from, to] = [low, high].map((place) => Number(numberAt(axis, place).toPrecision(4))) as [number, number]
    return { kind: 'range', from, to }
  }
  const texts = axis.values.filter((text) => {
    const place = placeOn(axis, text)
    return place !== null && place >= low && place <= high
  })
  return texts.length > 0 ? { kind: 'texts', texts } : null
}
