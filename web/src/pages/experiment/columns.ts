import type { RunColumns, RunRow, Value } from '../../api/types'

/** Columns of the runs table. Keys are those of the API: "status", "metrics.mse", "tags.stage". */

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
  { key: 'children', label: 'Child runs', sorts: false },
  { key: 'run_id', label: 'Run id', sorts: false },
  { key: 'error', label: 'Error', sorts: false },
]

export const KINDS = ['metrics', 'params', 'tags', 'properties'] as const
export type Kind = (typeof KINDS)[number]

const LABELS: Readonly<Record<Kind, string>> = {
  metrics: 'Metrics',
  params: 'Parameters',
  tags: 'Tags',
  properties: 'Properties',
}
const DEFAULT_METRICS = 3

/** The kind and the name of "metrics.mse"; null for the table's own columns. */
export function splitColumn(key: string): { readonly kind: Kind; readonly name: string } | null {
  const dot = key.indexOf('.')
  const kind = KINDS.find((each) => each === key.slice(0, dot))
  return kind && dot > 0 ? { kind, name: key.slice(dot + 1) } : null
}

export function kindLabel(kind: Kind): string {
  return LABELS[kind]
}

export function columnLabel(key: string): string {
  return FIXED.find((each) => each.key === key)?.label ?? splitColumn(key)?.name ?? key
}

export function columnSorts(key: string): boolean {
  return splitColumn(key) !== null || (FIXED.find((each) => each.key === key)?.sorts ?? false)
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

/** In px. */
export function columnWidth(key: string): number {
  if (key === 'run_id') return 300
  if (key === 'error') return 260
  const parts = splitColumn(key)
  if (parts?.kind === 'metrics') return 190
  return parts ? 150 : 130
}
