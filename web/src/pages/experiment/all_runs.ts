import { get } from '../../api/http'
import type { RunPage, RunRow } from '../../api/types'
import { quoteText } from './filter_words'
import type { RunsQuery } from './use_runs'

/** More runs than are loaded, or others. */

export const MOST_CHOSEN = 10_000
const PAGE = 1000
const IDS_AT_ONCE = 25

/** The ids of all runs of a query, up to ten thousand. */
export async function allRunIds(query: RunsQuery, signal?: AbortSignal): Promise<string[]> {
  const found: string[] = []
  let cursor = ''
  do {
    const page = await get<RunPage>('/runs', { ...query, columns: '', cursor, limit: PAGE }, signal)
    found.push(...page.runs.map((run) => run.run_id))
    cursor = page.next_cursor ?? ''
  } while (cursor && found.length < MOST_CHOSEN)
  return found.slice(0, MOST_CHOSEN)
}

/** The runs of these ids, in any order; those that are not there are left out. */
export async function runsOf(runIds: readonly string[], signal?: AbortSignal): Promise<RunRow[]> {
  const found: RunRow[] = []
  for (let at = 0; at < runIds.length; at += IDS_AT_ONCE) {
    const filter = `run_id in (${runIds
      .slice(at, at + IDS_AT_ONCE)
      .map(quoteText)
      .join(', ')})`
    for (const archived of [false, true]) {
      const page = await get<RunPage>('/runs', { filter, archived, children: true, limit: IDS_AT_ONCE }, signal)
      found.push(...page.runs)
    }
  }
  return found
}

/** A run as it is called in a list. */
export function runLabel(row: RunRow): string {
  return row.name && row.name !== row.run_id ? `${row.number} ${row.name}` : `Run ${row.number}`
}
