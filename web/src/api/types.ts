/** What the API gives. Times are ISO 8601 UTC, durations seconds; NaN and ±Inf come as texts. */

/** A number, or what JSON has no number for. */
export type Num = number | 'NaN' | 'Infinity' | '-Infinity'

/** A value of a metric, tag, property or parameter in a table. */
export type Value = Num | string | boolean | null

export type Tags = Readonly<Record<string, string | null>>

export interface Workspace {
  readonly name: string
  readonly id: string
  readonly version: string
  readonly read_only: boolean
  /** What who is signed in may do here; of an embedded portal, its owner. */
  readonly role: Role
}

/** From the one who may least to the one who may most. */
export type Role = 'reader' | 'contributor' | 'owner'

/** Who is signed in at a server. */
export interface SignedIn {
  /** Their name; null where nobody is. */
  readonly account: string | null
  readonly is_admin: boolean
}

export interface Experiment {
  readonly name: string
  readonly id: string
  readonly created: string
  readonly archived: string | null
  readonly description: string | null
  readonly tags: Tags
  readonly run_count: number
  readonly last_run: string | null
  /** When one of its active runs last began or ended. */
  readonly last_activity: string | null
  /** How many runs are in each status. */
  readonly statuses: Readonly<Record<string, number>>
}

export interface ExperimentList {
  readonly experiments: readonly Experiment[]
  /** More than are given where they were too many. */
  readonly total: number
}

export interface RunRow {
  readonly run_id: string
  readonly number: number
  readonly name: string | null
  readonly experiment: string
  readonly type: string | null
  readonly status: string
  readonly created: string
  readonly started: string | null
  readonly ended: string | null
  readonly duration_s: number | null
  readonly archived: string | null
  readonly parent_id: string | null
  readonly target: string | null
  readonly submitted_by: string | null
  readonly tags: Tags
  readonly child_count: number
  /** The asked columns, e.g. "metrics.mse". */
  readonly values: Readonly<Record<string, Value>>
  readonly error_message: string | null
}

export interface RunDetail extends RunRow {
  readonly display_name: string | null
  readonly description: string | null
  readonly properties: Readonly<Record<string, string>>
  readonly params: Readonly<Record<string, string>>
  readonly error: Readonly<Record<string, unknown>> | null
  readonly warnings: readonly Readonly<Record<string, unknown>>[]
  readonly definition: Readonly<Record<string, unknown>> | null
  readonly environment: Readonly<Record<string, unknown>> | null
  readonly packages: unknown
  readonly machine: Readonly<Record<string, unknown>> | null
  readonly git: Readonly<Record<string, unknown>> | null
  readonly snapshots: readonly string[]
  readonly documents: readonly string[]
  readonly parent: RunRow | null
  readonly children_total: number
  /** How many tags, properties and params are too many to be told. */
  readonly left_out: Readonly<Record<string, number>>
}

export interface RunPage {
  readonly runs: readonly RunRow[]
  readonly next_cursor: string | null
  readonly total: number | null
  /** False where there are more than are counted. */
  readonly total_is_exact: boolean
}

/** A name that runs have, and how many of them. */
export interface ColumnCount {
  readonly name: string
  readonly count: number
}

export interface RunColumns {
  readonly metrics: readonly ColumnCount[]
  readonly tags: readonly ColumnCount[]
  readonly properties: readonly ColumnCount[]
  readonly params: readonly ColumnCount[]
}

/** How a metric does over the runs of a group that have a number there. */
export interface Spread {
  readonly numbers: number
  readonly min: Num
  readonly max: Num
  readonly mean: Num
}

export interface RunGroup {
  readonly value: string | null
  readonly count: number
  readonly statuses: Readonly<Record<string, number>>
  /** By asked column; those that no run of the group has are left out. */
  readonly values: Readonly<Record<string, Spread>>
}

export interface RunGroups {
  readonly groups: readonly RunGroup[]
  readonly total: number
}

export type RunAction = 'archive' | 'restore' | 'delete' | 'cancel' | 'tag' | 'untag'

export interface ActionResult {
  readonly done: readonly string[]
  readonly failed: readonly { readonly run_id: string; readonly message: string }[]
}

export interface Metric {
  readonly name: string
  readonly kind: string
  readonly description: string
  readonly namespace: string
  readonly count: number
  readonly first: Value
  readonly last: Value
  readonly min: Num | null
  readonly max: Num | null
  readonly nan_count: number
  readonly first_step: number | null
  readonly last_step: number | null
  readonly first_time: string | null
  readonly last_time: string | null
  readonly columns: readonly string[]
  readonly is_list: boolean
}
