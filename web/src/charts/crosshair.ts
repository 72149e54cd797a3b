/** A place of x that several charts point to at once. */
export interface Crosshair {
  readonly get: () => number | null
  readonly set: (x: number | null) => void
  /** Tells of every change; gives what ends it. */
  readonly subscribe: (listener: () => void) => () => void
}

/** A crosshair for charts with the same kind of x. */
export function createCrosshair(): Crosshair {
  let place: number | null = null
  const listeners = new Set<() => void>()
  return {
    get: () => place,
    set: (x) => {
      if (x !== place) {
        place = x
        for (const listener of listeners) {
          listener()
        }
      }
    },
    subscribe: (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  }
}
