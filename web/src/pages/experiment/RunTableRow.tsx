import { memo } from 'react'
import { Link } from 'react-router'
import type { RunRow } from '../../api/types'
import { runPath } from '../../state/names'
import { splitColumn } from './columns'
import { RunCell } from './RunCell'
import classes from './table.module.css'
import { type Sparklines, sparklineKey } from './use_sparklines'

interface Props {
  readonly row: RunRow
  /** From 1, the header not counted. */
  readonly position: number
  readonly columns: readonly string[]
  readonly isChosen: boolean
  readonly isActive: boolean
  readonly lines: Sparklines
  readonly sparklines: boolean
  readonly onChoose: (runId: string, position: number, range: boolean) => void
}

/** One run. */
export const RunTableRow = memo(function RunTableRow(props: Props) {
  const { row, position, columns, isChosen, isActive, lines, sparklines, onChoose } = props
  return (
    <tr
      aria-rowindex={position + 1}
      aria-current={isActive || undefined}
      data-active={isActive || undefined}
      data-chosen={isChosen || undefined}
    >
      <td className={classes.choice}>
        <input
          type="checkbox"
          checked={isChosen}
          aria-label={`Choose run ${row.number}`}
          onChange={() => undefined}
          onClick={(event) => onChoose(row.run_id, position, event.shiftKey)}
        />
      </td>
      <th scope="row" className={classes.run}>
        <Link to={runPath(row.experiment, row.run_id)} title={row.name ?? row.run_id}>
          <span className={classes.runNumber}>{row.number}</span>
          {row.name && row.name !== row.run_id && <span> {row.name}</span>}
        </Link>
      </th>
      {columns.map((column) => (
        <td key={column}>
          <RunCell
            row={row}
            column={column}
            series={lines.get(sparklineKey(row.run_id, splitColumn(column)?.name ?? ''))}
            sparklines={sparklines}
          />
        </td>
      ))}
    </tr>
  )
})
