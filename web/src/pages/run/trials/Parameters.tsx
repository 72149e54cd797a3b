import { type JSX, useMemo, useState } from 'react'
import type { RunRow } from '../../../api/types'
import { createHighlight } from '../../../charts/highlight'
import type { Brush } from '../../compare/brushes'
import { ParallelCoordinates } from '../../compare/ParallelCoordinates'
import { factsOf, type Primary } from './trials_of'

interface Props {
  readonly rows: readonly RunRow[]
  readonly columns: readonly string[]
  readonly primary: Primary
  readonly onCompare: (runIds: readonly string[]) => void
}

/** What the trials were given against what they gave: an axis each, a line a trial. */
export function Parameters({ rows, columns, primary, onCompare }: Props): JSX.Element {
  const [brushes, setBrushes] = useState<ReadonlyMap<string, Brush>>(new Map())
  const highlight = useMemo(createHighlight, [])
  const facts = useMemo(() => factsOf(rows, columns, primary), [rows, columns, primary])
  const runs = useMemo(
    () =>
      rows.map((row, slot) => ({
        run_id: row.run_id,
        name: row.name || row.run_id,
        number: row.number,
        experiment: row.experiment,
        status: row.status,
        startMs: Date.parse(row.started ?? row.created),
        slot,
      })),
    [rows],
  )
  return (
    <ParallelCoordinates
      runs={runs}
      facts={facts}
      highlight={highlight}
      brushes={brushes}
      onBrush={(name, brush) => {
        const next = new Map(brushes)
        if (brush === null) next.delete(name)
        else next.set(name, brush)
        setBrushes(next)
      }}
      onKeep={onCompare}
    />
  )
}
