import { useCallback, useRef, useState } from 'react'
import type { RunRow } from '../../api/types'
import type { Address } from '../../state/address'

/** Which runs are chosen. The address holds up to fifty of them: as many as can be compared. */
export interface Choice {
  readonly chosen: ReadonlySet<string>
  readonly list: readonly string[]
  /** Chooses a run or no longer; `range` as well all between it and the one before. Positions count from 1. */
  readonly toggle: (runId: string, position: number, range: boolean) => void
  readonly toggleAll: () => void
  readonly clear: () => void
}

const MOST_IN_ADDRESS = 50

export function useChoice(rows: readonly RunRow[], address: Address): Choice {
  const [list, setList] = useState<readonly string[]>(() => address.list('chosen'))
  const newest = useRef({ rows, list, address })
  newest.current = { rows, list, address }
  const before = useRef<number | null>(null)

  const choose = useCallback((next: readonly string[]) => {
    newest.current.list = next
    setList(next)
    newest.current.address.set({ chosen: next.length <= MOST_IN_ADDRESS ? next : null })
  }, [])
  const toggle = useCallback(
    (runId: string, position: number, range: boolean) => {
      const { rows: all, list: old } = newest.current
      const start = before.current
      before.current = position
      if (range && start !== null) {
        const between = all.slice(Math.min(start, position) - 1, Math.max(start, position)).map((row) => row.run_id)
        choose([...new Set([...old, ...between])])
      } else choose(old.includes(runId) ? old.filter((each) => each !== runId) : [...old, runId])
    },
    [choose],
  )
  const toggleAll = useCallback(() => {
    const { rows: all, list: old } = newest.current
    const have = new Set(old)
    const isAll = all.every((row) => have.has(row.run_id))
    choose(isAll ? [] : [...new Set([...old, ...all.map((row) => row.run_id)])])
  }, [choose])
  const clear = useCallback(() => choose([]), [choose])
  return { chosen: new Set(list), list, toggle, toggleAll, clear }
}
