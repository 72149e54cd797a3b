import { useEffect, useRef, useState } from 'react'

export interface Asked<T> {
  readonly value: T | null
  readonly error: Error | null
  readonly isPending: boolean
}

/**
 * What a question is answered with; the last answer stays until that to another `key` is here. A key of null asks
 * nothing. `again` asks anew without a pause in what is shown.
 */
export function useAsked<T>(
  key: string | null,
  again: unknown,
  ask: (signal: AbortSignal) => Promise<T>,
): Asked<T> & { readonly isOld: boolean } {
  const [found, setFound] = useState<{ key: string | null; value: T | null; error: Error | null }>({
    key: null,
    value: null,
    error: null,
  })
  const asking = useRef(ask)
  asking.current = ask
  // biome-ignore lint/correctness/useExhaustiveDependencies: `again` says when to ask anew
  useEffect(() => {
    if (key === null) return
    const abort = new AbortController()
    asking.current(abort.signal).then(
      (value) => !abort.signal.aborted && setFound({ key, value, error: null }),
      (error) =>
        !abort.signal.aborted &&
        setFound((before) => ({ key, value: before.key === key ? before.value : null, error })),
    )
    return () => abort.abort()
  }, [key, again])
  const isHere = found.key === key && key !== null
  return {
    value: found.value,
    error: isHere ? found.error : null,
    isPending: key !== null && !isHere,
    isOld: found.value !== null && !isHere,
  }
}
