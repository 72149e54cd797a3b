import { useCallback, useState } from 'react'
import type { RunRow } from '../../api/types'
import { useKeys } from '../../state/keys'
import type { Choice } from './use_choice'

interface Does {
  readonly onFilter: () => void
  readonly onOpen: (row: RunRow) => void
  readonly onCompare: (runIds: readonly string[]) => void
}

/** Where the keyboard is in the table. */
export interface RunKeys {
  /** The id of the run; it stays where rows come in above it. */
  readonly active: string | null
  /** Counts up where keys have moved it. */
  readonly moves: number
  readonly setActive: (runId: string) => void
}

/** The keys of the runs table. */
export function useRunKeys(rows: readonly RunRow[], choice: Choice, { onFilter, onOpen, onCompare }: Does): RunKeys {
  const [active, setActiveRun] = useState<string | null>(null)
  const [moves, setMoves] = useState(0)
  const at = active === null ? -1 : rows.findIndex((row) => row.run_id === active)
  const move = (by: number) => {
    const next = rows[Math.min(Math.max(at + by, 0), rows.length - 1)]
    if (!next) return
    setActiveRun(next.run_id)
    setMoves((count) => count + 1)
  }
  const chooseAt = (range: boolean) => {
    const row = rows[at]
    if (row) choice.toggle(row.run_id, range)
  }
  useKeys({
    '/': { does: 'Filter the runs', act: onFilter },
    j: { does: 'Next run', act: () => move(1) },
    k: { does: 'Run before', act: () => move(-1) },
    x: { does: 'Choose the run', act: () => chooseAt(false) },
    X: { does: 'Choose all from the run chosen before to this one', act: () => chooseAt(true) },
    Enter: {
      does: 'Open the run',
      act: () => {
        const row = rows[at]
        if (row) onOpen(row)
      },
    },
    c: { does: 'Compare the chosen runs', act: () => onCompare(choice.list) },
    Escape: { does: 'Choose none', act: choice.clear },
  })
  return { active, moves, setActive: useCallback((runId: string) => setActiveRun(runId), []) }
}
