/** A sweep's trials as its page and the notebook widget show them. */

import type { RunColumns, RunRow, Value } from '../../../api/types'
import { formatValue, toNumber } from '../../../parts/format'

/** What the charts need of a trial. */
export type TrialRow = Pick<RunRow, 'run_id' | 'number' | 'name' | 'values'>

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
export function progressOf(rows: readonly TrialRow[], { column, maximize }: Primary): Progress {
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
function placeOf(row: TrialRow): number {
  const told = /_(\d+)$/.exec(row.run_id)
  return told ? Number(told[1]) : row.number
}

export interface Fact {
  readonly name: string
  readonly values: Readonly<Record<string, unknown>>
}

/**
 * An axis a column: the values of the trials that have one. Texts that are numbers are numbers there. Parameters that
 * are the same for all tell nothing and are left out. The last one is the primary metric.
 */
export function factsOf(rows: readonly TrialRow[], columns: readonly string[], { column, name }: Primary): Fact[] {
  const given = columns.map((each) => factOf(rows, each, headingOf(each))).filter(varies)
  // A parameter may be named like the metric; axes are told apart by their names.
  const last = given.some((fact) => fact.name === name) ? `${name} (metric)` : name
  return [...given, factOf(rows, column, last)]
}

function factOf(rows: readonly TrialRow[], column: string, name: string): Fact {
  const values: Record<string, unknown> = {}
  for (const row of rows) {
    const value = row.values[column]
    if (value !== null && value !== undefined) values[row.run_id] = plain(value)
  }
  return { name, values }
}

function varies({ values }: Fact): boolean {
  return new Set(Object.values(values)).size > 1
}

/** 0 for the worst trial to 1 for the best; trials that gave no number are left out. */
export function ranksOf(rows: readonly TrialRow[], { column, maximize }: Primary): ReadonlyMap<string, number> {
  const told = rows
    .map((row) => ({ id: row.run_id, value: toNumber(row.values[column] ?? null) }))
    .filter((each): each is { id: string; value: number } => each.value !== null && !Number.isNaN(each.value))
    .sort((a, b) => (maximize ? a.value - b.value : b.value - a.value))
  return new Map(told.map(({ id }, at) => [id, told.length === 1 ? 1 : at / (told.length - 1)]))
}

/** A parameter as a table shows it: numbers with a few digits. */
export function parameterText(value: Value | undefined): string {
  return formatValue(value === undefined ? value : (plain(value) as Value))
}

function plain(value: Value): unknown {
  const text = String(value)
  return typeof value === 'string' && text.trim() !== '' && Number.isFinite(Number(text)) ? Number(text) : value
}
