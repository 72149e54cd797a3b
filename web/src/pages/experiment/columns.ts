import type { RunColumns, RunRow, Value } from '../../api/types'

/** Columns of the runs table. Keys are those of the API: "status", "metrics.mse", "min(metrics.mse)", "tags.stage". */

export interface FixedColumn {
  readonly key: string
  readonly label: string
  readonly sorts: boolean
}

export const FIXED: readonly FixedColumn[] = [
  { key: 'status', label: 'Status', sorts: true },
  { key: 'created', label: 'Created', sorts: true },
  { key: 'duration', label: 'Duration', sorts: true },
  { key: 'started', label: 'Started', sorts: true },
  { key: 'ended', label: 'Ended', sorts: true },
  { key: 'type', label: 'Type', sorts: true },
  { key: 'target', label: 'Compute', sorts: true },
  { key: 'submitted_by', label: 'Submitted by', sorts: true },
  { key: 'children', label: 'Child runs', sorts: true },
  { key: 'run_id', label: 'Run id', sorts: true },
  { key: 'error', label: 'Error', sorts: false },
]

/** The table's first column: number and name. */
export const RUN = 'number'

export const KINDS = ['metrics', 'params', 'tags', 'properties'] as const
export type Kind = (typeof KINDS)[number]

/** Which value of a metric a column shows: the last one, the least or the greatest. */
export type Reduction = 'last' | 'min' | 'max'

export interface NamedColumn {
  readonly kind: Kind
  readonly name: string
  readonly reduction: Reduction
}

const LABELS: Readonly<Record<Kind, string>> = {
  metrics: 'Metrics',
  params: 'Parameters',
  tags: 'Tags',
  properties: 'Properties',
}
const DEFAULT_METRICS = 3

/** The kind and the name of "metrics.mse" and "min(metrics.mse)"; null for the table's own columns. */
export function splitColumn(key: string): NamedColumn | null {
  const reduced = /^(min|max)\(metrics\.(.+)\)$/s.exec(key)
  if (reduced) return { kind: 'metrics', name: reduced[2] ?? '', reduction: reduced[1] as Reduction }
  const dot = key.indexOf('.')
  const kind = KINDS.find((each) => each === key.slice(0, dot))
  return kind && dot > 0 ? { kind, name: key.slice(dot + 1), reduction: 'last' } : null
}

/** The column that shows a metric's last, least or greatest value. */
export function metricColumn(name: string, reduction: Reduction): string {
  return reduction === 'last' ? `metrics.${name}` : `${reduction}(metrics.${name})`
}

export function kindLabel(kind: Kind): string {
  return LABELS[kind]
}

export function columnLabel(key: string): string {
  const parts = splitColumn(key)
  if (parts) return parts.reduction === 'last' ? parts.name : `${parts.reduction} ${parts.name}`
  return key === RUN ? 'Run' : (FIXED.find((each) => each.key === key)?.label ?? key)
}

export function columnSorts(key: string): boolean {
  return key === RUN || splitColumn(key) !== null || (FIXED.find((each) => each.key === key)?.sorts ?? false)
}

/** Whether the greatest value is looked for first. */
export function fallsFirst(key: string): boolean {
  return ['created', 'started', 'ended', 'children', RUN].includes(key)
}

/** Those that are shown where the address names none: the first metrics are what a table is for. */
export function defaultColumns(known: RunColumns | undefined): string[] {
  const metrics = (known?.metrics ?? []).slice(0, DEFAULT_METRICS).map(({ name }) => `metrics.${name}`)
  return ['status', 'created', 'duration', ...metrics]
}

/** What the API has to be asked for. */
export function askedColumns(columns: readonly string[]): string[] {
  return columns.filter((key) => splitColumn(key) !== null)
}

export function cellValue(row: RunRow, key: string): Value {
  return row.values[key] ?? null
}

/** The columns with one of them so many places to the right; past the ends they stay as they are. */
export function moved(columns: readonly string[], key: string, by: number): string[] {
  const at = columns.indexOf(key)
  return at < 0 ? [...columns] : placed(columns, key, Math.min(Math.max(at + by, 0), columns.length - 1))
}

/** The columns with one of them at a place of its own. */
export function placed(columns: readonly string[], key: string, place: number): string[] {
  const rest = columns.filter((each) => each !== key)
  return [...rest.slice(0, place), key, ...rest.slice(place)]
}

export const LEAST_WIDTH = 60
export const MOST_WIDTH = 1000

/** In px, of a column that was given no width. */
export function columnWidth(key: string): number {
  if (key === RUN) return 230
  if (key === 'run_id') return 300
  if (key === 'error') return 260
  const parts = splitColumn(key)
  if (parts?.kind === 'metrics') return 200
  return parts ? 150 : 135
}

export type Widths = ReadonlyMap<string, number>

/** Widths as the address holds them: "status:120"; what is no width is passed over. */
export function parseWidths(items: readonly string[]): Widths {
  const widths = new Map<string, number>()
  for (const item of items) {
    const at = item.lastIndexOf(':')
    const width = Number(item.slice(at + 1))
    if (at > 0 && width >= LEAST_WIDTH && width <= MOST_WIDTH) widths.set(item.slice(0, at), Math.round(width))
  }
  return widths
}

export function formatWidths(widths: Widths): string[] {
  return [...widths].map(([key, width]) => `${key}:${width}`)
}

/** The widths with one of them changed; null: the usual one. */
export function withWidth(widths: Widths, key: string, width: number | null): Widths {
  const next = new Map(widths)
  if (width === null) next.delete(key)
  else next.set(key, Math.round(Math.min(Math.max(width, LEAST_WIDTH), MOST_WIDTH)))
  return next
}
