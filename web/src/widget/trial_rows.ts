import type { Value } from '../api/types'
import type { Primary, TrialRow } from '../pages/run/trials/trials_of'
import type { TrialsPart } from './model'

/** The trials as the portal's charts take them. */
export interface Trials {
  readonly rows: readonly TrialRow[]
  readonly columns: readonly string[]
  readonly primary: Primary
}

/** What the kernel has sent by columns, by rows. */
export function trialsOf(part: TrialsPart): Trials {
  const maximize = part.primary.goal === 'maximize'
  const column = `${maximize ? 'max' : 'min'}(metrics.${part.primary.name})`
  const given = Object.entries(part.parameters)
  const rows = part.ids.map((runId, at) => {
    const values: Record<string, Value> = { [column]: part.values[at] ?? null }
    for (const [name, cells] of given) values[`params.${name}`] = cells[at] ?? null
    return { run_id: runId, number: part.numbers[at] ?? 0, name: part.names[at] ?? null, values }
  })
  return {
    rows,
    columns: given.map(([name]) => `params.${name}`),
    primary: { name: part.primary.name, maximize, column },
  }
}
