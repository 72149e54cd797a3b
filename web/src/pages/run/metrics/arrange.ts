import type { Metric } from '../../../api/types'

/** How a metric is shown. */
export type CardKind = 'line' | 'table' | 'tile' | 'structured'

export interface Card {
  readonly key: string
  readonly metric: Metric
  readonly kind: CardKind
}

export interface Group {
  /** The names' common beginning, without its slash; '' for names without one. */
  readonly name: string
  readonly cards: readonly Card[]
}

const STRUCTURED: readonly string[] = ['accuracy_table', 'confusion_matrix', 'residuals', 'predictions']

/** Whether a series has numbers: its summary has a least value then, or counts what is not a number. */
function hasNumbers(metric: Metric): boolean {
  return metric.min !== null || metric.nan_count > 0
}

/** How a metric is shown; null for images, which have a tab of their own. */
export function cardKind(metric: Metric): CardKind | null {
  if (metric.kind === 'image') return null
  if (STRUCTURED.includes(metric.kind)) return 'structured'
  if (metric.kind === 'table') return 'table'
  if (metric.count === 1 && !metric.is_list) return 'tile'
  return hasNumbers(metric) ? 'line' : 'tile'
}

/** The part of a name that its group is called by: all before the first slash. */
export function prefixOf(name: string): string {
  const at = name.indexOf('/')
  return at > 0 ? name.slice(0, at) : ''
}

/** Whether every word of the search is in the name. */
export function matches(name: string, search: string): boolean {
  const low = name.toLowerCase()
  return search
    .toLowerCase()
    .split(/\s+/)
    .every((word) => low.includes(word))
}

/** The metrics in groups by prefix, in order of first logging. Names without a prefix come first. */
export function arrange(metrics: readonly Metric[], search: string): Group[] {
  const groups = new Map<string, Card[]>([['', []]])
  for (const metric of metrics) {
    const kind = cardKind(metric)
    if (kind === null || !matches(metric.name, search)) continue
    const prefix = prefixOf(metric.name)
    const cards = groups.get(prefix) ?? []
    groups.set(prefix, cards)
    cards.push({ key: `${metric.namespace}\n${metric.kind}\n${metric.name}`, metric, kind })
  }
  return [...groups].filter(([, cards]) => cards.length > 0).map(([name, cards]) => ({ name, cards }))
}

export type GridRow =
  | { readonly kind: 'group'; readonly key: string; readonly group: Group; readonly open: boolean }
  | { readonly kind: 'tiles' | 'cards'; readonly key: string; readonly cards: readonly Card[] }

/** The rows of a grid: a heading a group, its tiles, and then its charts and tables. */
export function gridRows(
  groups: readonly Group[],
  closed: ReadonlySet<string>,
  columns: { readonly tiles: number; readonly cards: number },
): GridRow[] {
  const rows: GridRow[] = []
  const headed = groups.length > 1 || (groups[0]?.name ?? '') !== ''
  for (const group of groups) {
    const open = !closed.has(group.name)
    if (headed) rows.push({ kind: 'group', key: `group ${group.name}`, group, open })
    if (headed && !open) continue
    const tiles = group.cards.filter((card) => card.kind === 'tile')
    const cards = group.cards.filter((card) => card.kind !== 'tile')
    for (const [kind, list] of [['tiles', tiles] as const, ['cards', cards] as const]) {
      for (let i = 0; i < list.length; i += columns[kind]) {
        rows.push({ kind, key: `${kind} ${group.name} ${i}`, cards: list.slice(i, i + columns[kind]) })
      }
    }
  }
  return rows
}
