/** Numbers and texts on an axis: for scatter and parallel coordinates. */

import type { Value } from '../../api/types'
import { ticks as roundTicks } from '../../charts/ticks'
import { formatValue } from '../../parts/format'

/** A value of any kind; only numbers, texts and truth values have a place on an axis. */
export type Cell = unknown

export interface NumberAxis {
  readonly kind: 'number'
  readonly min: number
  readonly max: number
  readonly ticks: readonly number[]
  /** Equal factors are equally far apart. */
  readonly log: boolean
}

export interface TextAxis {
  readonly kind: 'text'
  readonly values: readonly string[]
}

export type Axis = NumberAxis | TextAxis

/** A cell as a number; null where it is none (also NaN and infinities, which have no place on an axis). */
export function asNumber(cell: Cell): number | null {
  if (typeof cell === 'number') return Number.isFinite(cell) ? cell : null
  if (typeof cell !== 'string' || cell.trim() === '') return null
  const value = Number(cell)
  return Number.isFinite(value) ? value : null
}

/** From this factor between the least and the greatest value on an axis is logarithmic where it may choose... */
const WIDE = 100
/** ... and most values would be crowded at its beginning otherwise: half of them within this part of it. */
const CROWDED = 0.2

/**
 * An axis for these cells: of numbers where all that are there are numbers, else of texts. Null where none is there.
 * `log`: logarithmic where it can be; 'auto' where the values differ by factors.
 */
export function axisOf(cells: readonly Cell[], log: boolean | 'auto' = false): Axis | null {
  const present = cells.filter((cell) => cell !== null && cell !== undefined)
  const numbers = present.map(asNumber).filter((value) => value !== null)
  const unplaced = present.filter((cell) => asNumber(cell) === null && isNumberWord(cell)).length
  if (numbers.length > 0 && numbers.length + unplaced === present.length) {
    const min = Math.min(...numbers)
    const max = Math.max(...numbers)
    if (
      min > 0 &&
      max > min &&
      (log === true || (log === 'auto' && max / min >= WIDE && isCrowded(numbers, min, max)))
    ) {
      const room = (max / min) ** 0.04
      return {
        kind: 'number',
        min: min / room,
        max: max * room,
        ticks: roundTicks(min / room, max * room, 5, true),
        log: true,
      }
    }
    const room = min === max ? Math.abs(min) / 10 || 1 : (max - min) * 0.04
    return { kind: 'number', min: min - room, max: max + room, ticks: ticksBetween(min - room, max + room), log: false }
  }
  const values = [...new Set(present.map(cellText))].sort()
  return values.length === 0 ? null : { kind: 'text', values }
}

function isCrowded(numbers: readonly number[], min: number, max: number): boolean {
  const near = numbers.filter((value) => value - min <= CROWDED * (max - min))
  return near.length * 2 >= numbers.length
}

/** Where on the axis a cell is: 0 (its beginning) to 1; null where it has no place. */
export function placeOn(axis: Axis, cell: Cell): number | null {
  if (cell === null || cell === undefined) return null
  if (axis.kind === 'text') {
    const index = axis.values.indexOf(cellText(cell))
    if (index < 0) return null
    return axis.values.length === 1 ? 0.5 : 0.05 + (0.9 * index) / (axis.values.length - 1)
  }
  const value = asNumber(cell)
  if (value === null) return null
  if (axis.log) return value > 0 ? Math.log(value / axis.min) / Math.log(axis.max / axis.min) : null
  return (value - axis.min) / (axis.max - axis.min)
}

/** The number at a place (0 to 1) of an axis. */
export function numberAt(axis: NumberAxis, place: number): number {
  return axis.log ? axis.min * (axis.max / axis.min) ** place : axis.min + (axis.max - axis.min) * place
}

/** Round numbers between two bounds, about five. */
export function ticksBetween(min: number, max: number, about = 5): number[] {
  const rough = (max - min) / about
  if (!(rough > 0) || !Number.isFinite(rough)) return [min]
  const power = 10 ** Math.floor(Math.log10(rough))
  const step = power * ([1, 2, 5, 10].find((each) => each * power >= rough) ?? 10)
  const ticks: number[] = []
  for (let index = Math.ceil(min / step); index * step <= max && ticks.length < 20; index++) {
    ticks.push(Number((index * step).toPrecision(12)))
  }
  return ticks
}

/** At most about so many of them, equally far apart. */
export function someOf<T>(values: readonly T[], most: number): readonly T[] {
  const every = Math.ceil(values.length / most)
  return values.filter((_, at) => at % every === 0)
}

function isNumberWord(cell: Cell): boolean {
  return typeof cell === 'number' || cell === 'NaN' || cell === 'Infinity' || cell === '-Infinity'
}

/** A text of at most so many characters, the last of them a mark where it was cut. */
export function shortened(text: string, most: number): string {
  const letters = [...text]
  return letters.length <= most ? text : `${letters.slice(0, most - 1).join('')}…`
}

/** A value in a table or beside a point. */
export function cellText(cell: Cell): string {
  if (typeof cell === 'object' && cell !== null) return JSON.stringify(cell)
  return formatValue(cell as Value | undefined)
}
