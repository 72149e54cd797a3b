/** A sweep's trials as its page shows them. */

import type { RunColumns, RunRow, Value } from '../../../api/types'
import { toNumber } from '../../../parts/format'

export interface Primary {
  readonly name: string
  readonly maximize: boolean
  /** The best value that a trial has reported, as a column of runs. */
  readonly column: string
}

export const STOPPED = 'tags.early_termination'
const MOST_PARAMETERS = 12

interface Described {
  readonly properties: Readonly<Record<string, string>>
}

/** What a run's trials are compared by; null where it tells of nothing such. */
export function primaryOf(run: Described): Primary | null {
  try {
    const told: unknown = JSON.parse(run.properties.primary_metric_config ?? 'null')
    if (typeof told !== 'object' || told === null || !('name' in told)) return null
    const maximize = !('goal' in told && String(told.goal).toLowerCase().startsWith('min'))
    return primary(String(told.name), maximize)
  } catch {
    return null
  }
}

function primary(name: string, maximize: boolean): Primary {
  return { name, maximize, column: `${maximize ? 'max' : 'min'}(metrics.${name})` }
}

/** The columns of what trials were given, those that most have first. */
export function parametersOf(columns: RunColumns | undefined): string[] {
  const params = [...(columns?.params ?? [])].sort((a, b) => b.count - a.count)
  return params.slice(0, MOST_PARAMETERS).map(({ name }) => `params.${name}`)
}

/** A column's heading: "params.depth" as "depth". */
export function headingOf(column: string): string {
  return column.slice(column.indexOf('.') + 1)
}

export interface Progress {
  /** From 1, in the order in which the trials were begun. */
  readonly trial: Float64Array
  readonly value: Float64Array
  readonly best: Float64Array
}

/** What each trial gave, and the best up to there; trials that gave no number are left out. */
export function progressOf(rows: readonly RunRow[], { column, maximize }: Primary): Progress {
  const found = [...rows]
    .sort((a, b) => placeOf(a) - placeOf(b))
    .map((row, at) => ({ trial: at + 1, value: toNumber(row.values[column] ?? null) }))
    .flatMap(({ trial, value }) => (value === null || Number.isNaN(value) ? [] : [{ trial, value }]))
  let best = maximize ? -Infinity : Infinity
  const bests = found.map(({ value }) => {
    best = maximize ? Math.max(best, value) : Math.min(best, value)
    return best
  })
  return {
    trial: Float64Array.from(found, ({ trial }) => trial),
    value: Float64Array.from(found, ({ value }) => value),
    best: Float64Array.from(bests),
  }
}

/** A trial's place among them: its id ends with it; else its number. */
function placeOf(row: RunRow): number {
  const told = /_(\d+)$/.exec(row.run_id)
  return told ? Number(told[1]) : row.number
}

export interface Fact {
  readonly name: string
  readonly same: boolean
  readonly values: Readonly<Record<string, unknown>>
}

/** An axis a column: the values of the trials that have one.  Texts that are numbers are numbers there. */
export function factsOf(rows: readonly RunRow[], columns: readonly string[], { column, name }: Primary): Fact[] {
  return [...columns, column].map((each) => {
    const values: Record<string, unknown> = {}
    for (const row of rows) {
      const value = row.values[each]
      if (value !== null && value !== undefined) values[row.run_id] = plain(value)
    }
    return { name: each === column ? name : headingOf(each), same: false, values }
  })
}

function plain(value: Value): unknown {
  const text = String(value)
  return typeof value === 'string' && text.trim() !== '' && Number.isFinite(Number(text)) ? Number(text) : value
}
