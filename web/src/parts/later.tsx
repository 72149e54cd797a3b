import { type ComponentType, useEffect, useState } from 'react'
import { Loading } from './Loading'

/** A component whose code is fetched when it is first drawn. */
export interface Later<P> {
  (props: P): React.JSX.Element
  /** Fetch the code now: it will be drawn. */
  readonly ahead: () => void
}

/**
 * In place of React's `lazy`, which once it has shown a fallback draws nothing else for 300 ms, however soon the code is
 * here. `what` is loading meanwhile. Where the code cannot be had, drawing it raises the error.
 */
export function later<P extends object>(
  what: string,
  load: () => Promise<{ readonly default: ComponentType<P> }>,
): Later<P> {
  let here: ComponentType<P> | null = null
  let coming: Promise<void> | null = null
  const fetched = () => {
    coming ??= load().then(
      (module) => {
        here = module.default
      },
      (error: unknown) => {
        coming = null // it may be had later
        throw error
      },
    )
    return coming
  }

  const Drawn = (props: P) => {
    const [, setHere] = useState(here !== null)
    const [error, setError] = useState<unknown>(null)
    useEffect(() => {
      let isWanted = true
      fetched().then(
        () => isWanted && setHere(true),
        (failure: unknown) => isWanted && setError(failure),
      )
      return () => {
        isWanted = false
      }
    }, [])
    if (error) throw error
    const Part = here
    return Part ? <Part {...props} /> : <Loading what={what} />
  }
  return Object.assign(Drawn, { ahead: () => void fetched().catch(() => undefined) })
}
