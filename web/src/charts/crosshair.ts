/** A place of x that several charts point to at once. */
export interface Crosshair {
  /** Where the pointer is, else where the crosshair was pinned; null where there is neither. */
  readonly get: () => number | null
  /** The pointer is at a place, or has left. */
  readonly set: (x: number | null) => void
  /** Where the crosshair stays when the pointer has left. */
  readonly pinned: () => number | null
  readonly pin: (x: number | null) => void
  /** Tells of every change; gives what ends it. */
  readonly subscribe: (listener: () => void) => () => void
}

/** A crosshair for charts with the same kind of x. */
export function createCrosshair(): Crosshair {
  let place: number | null = null
  let pin: number | null = null
  const listeners = new Set<() => void>()
  const tell = () => {
    for (const listener of listeners) listener()
  }
  return {
    get: () => place ?? pin,
    pinned: () => pin,
    set: (x) => {
      if (x === place) return
      place = x
      tell()
    },
    pin: (x) => {
      if (x === pin) return
      pin = x
      tell()
    },
    subscribe: (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  }
}
