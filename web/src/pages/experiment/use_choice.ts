import { useCallback, useMemo, useRef, useState } from 'react'
import type { RunRow } from '../../api/types'
import { type Address, joinList } from '../../state/address'

/** Which runs are chosen. The address holds up to two hundred of them: as many as are drawn over each other. */
export interface Choice {
  readonly chosen: ReadonlySet<string>
  readonly list: readonly string[]
  /** Chooses a run or no longer; `range`: all between it and the one before it, too. */
  readonly toggle: (runId: string, range: boolean) => void
  /** All loaded rows, or none where they all are chosen already. */
  readonly toggleAll: () => void
  readonly choose: (runIds: readonly string[]) => void
  readonly clear: () => void
}

const MOST_IN_ADDRESS = 200

export function useChoice(rows: readonly RunRow[], address: Address): Choice {
  const told = address.get('chosen') ?? ''
  // More than the address holds, and what the address said when they were chosen: Back and links take them away.
  const [many, setMany] = useState<{ readonly told: string; readonly list: readonly string[] } | null>(null)
  const list = useMemo(
    () => (many !== null && many.told === told ? many.list : address.list('chosen')),
    [many, told, address],
  )
  const newest = useRef({ rows, list, address })
  newest.current = { rows, list, address }
  const before = useRef<string | null>(null)

  const choose = useCallback((next: readonly string[]) => {
    newest.current.list = next
    const fits = next.length <= MOST_IN_ADDRESS
    setMany(fits ? null : { told: '', list: next })
    newest.current.address.set({ chosen: fits ? joinList(next) : null })
  }, [])
  const toggle = useCallback(
    (runId: string, range: boolean) => {
      const { rows: all, list: old } = newest.current
      const start = all.findIndex((row) => row.run_id === before.current)
      const end = all.findIndex((row) => row.run_id === runId)
      before.current = runId
      if (range && start >= 0 && end >= 0) {
        const between = all.slice(Math.min(start, end), Math.max(start, end) + 1).map((row) => row.run_id)
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
  const chosen = useMemo(() => new Set(list), [list])
  return useMemo(
    () => ({ chosen, list, toggle, toggleAll, choose, clear }),
    [chosen, list, toggle, toggleAll, choose, clear],
  )
}
