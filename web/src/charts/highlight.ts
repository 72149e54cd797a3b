import type { Line } from './types'

/** Whose lines stand out, in several charts at once: an owner of lines, or null. */
export interface Highlight {
  readonly get: () => string | null
  readonly set: (owner: string | null) => void
  /** Tells of every change; gives what ends it. */
  readonly subscribe: (listener: () => void) => () => void
}

export function createHighlight(): Highlight {
  let owner: string | null = null
  const listeners = new Set<() => void>()
  return {
    get: () => owner,
    set: (next) => {
      if (next === owner) return
      owner = next
      for (const listener of listeners) listener()
    },
    subscribe: (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  }
}

/** Whose line it is: its own where nobody else's. */
export function ownerOf(line: Line): string {
  return line.owner ?? line.id
}
