/** What the tabs of the portal, the hub that they share and the server tell each other of what happens. */

/** What the portal tells as it happens. */
export interface Change {
  readonly kind: 'runs' | 'run' | 'metrics' | 'files'
  /** Empty where any may have changed. */
  readonly run_ids: readonly string[]
  /** Of what is watched: to be told only of what comes after. */
  readonly version: string
}

/** A run, the runs of an experiment, or all runs. */
export interface Watched {
  readonly experiment?: string | undefined
  readonly runId?: string | undefined
}

/** One thing that a tab wants to be told of, and how far it has come. */
export type Wish =
  | { readonly kind: 'watch'; readonly watched: Watched; readonly since: string | null }
  | { readonly kind: 'log'; readonly runId: string; readonly name: string; readonly start: number }

/** All that a tab wants, under numbers of its own, which it never gives to something else. */
export type Wishes = ReadonlyMap<number, Wish>

/** What a tab says to the worker. */
export interface Said {
  /** What the addresses of the API begin with: workers have no storage; see `api/place.ts`. */
  readonly base: string
  readonly wishes: Wishes
}

/** What a tab is told of one of its wishes; under NO_WISH, what concerns all of them. */
export type Told =
  | { readonly kind: 'opened'; readonly version: string }
  | { readonly kind: 'change'; readonly change: Change }
  | { readonly kind: 'part'; readonly start: number; readonly bytes: Uint8Array }
  /** The log's run has ended, or the log cannot be followed: there is no more. */
  | { readonly kind: 'end' }
  /** The stream has broken off, or could not be had. It is tried again. */
  | { readonly kind: 'lost' }

export const NO_WISH = 0

/** The body of POST /live. */
export interface LiveRequest {
  readonly watch: readonly { id: number; experiment?: string; run_id?: string; since?: string }[]
  readonly logs: readonly { id: number; run_id: string; name: string; start: number }[]
}

/** An event of that stream. */
export type LiveEvent =
  | { readonly watch: number; readonly kind: 'opened' | Change['kind']; run_ids: string[]; version: string }
  | { readonly log: number; readonly start: number; readonly text: string }
  | { readonly log: number; readonly status: string | null }
  | { readonly log: number; readonly error: string }
