import { useComputedColorScheme } from '@mantine/core'
import { memo } from 'react'
import { Link } from 'react-router'
import type { RunRow } from '../../api/types'
import { colourOf, dashOf } from '../../charts/colours'
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
  /** Whether an empty column is behind the others. */
  readonly hasSpare: boolean
  readonly isChosen: boolean
  readonly isActive: boolean
  /** Its colour in the charts beside the table; null where it is not drawn, undefined where there are none. */
  readonly slot: number | null | undefined
  readonly lines: Sparklines
  readonly sparklines: boolean
  readonly onChoose: (runId: string, range: boolean) => void
}

/** One run. */
export const RunTableRow = memo(function RunTableRow(props: Props) {
  const { row, position, columns, hasSpare, isChosen, isActive, slot, lines, sparklines, onChoose } = props
  return (
    <tr
      aria-rowindex={position + 1}
      aria-current={isActive || undefined}
      data-run={row.run_id}
      data-active={isActive || undefined}
      data-chosen={isChosen || undefined}
    >
      <td className={classes.choice}>
        <input
          type="checkbox"
          checked={isChosen}
          aria-label={`Choose run ${row.number}`}
          onChange={() => undefined}
          onMouseDown={(event) => event.shiftKey && event.preventDefault()} // no text is to be marked
          onClick={(event) => onChoose(row.run_id, event.shiftKey)}
        />
      </td>
      <th scope="row" className={classes.run}>
        {slot !== undefined && <Mark slot={slot} />}
        <Link to={runPath(row.experiment, row.run_id)} title={row.name ?? row.run_id}>
          <span className={classes.runNumber}>{row.number}</span>{' '}
          {row.name && row.name !== row.run_id ? (
            <bdi>{row.name}</bdi>
          ) : (
            <span className={classes.runId}>{row.run_id}</span>
          )}
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
      {hasSpare && <td />}
    </tr>
  )
})

/** The line by which the run is known in the charts. */
function Mark({ slot }: { readonly slot: number | null }) {
  const dark = useComputedColorScheme('light') === 'dark'
  return (
    <svg width={16} height={8} className={classes.mark} aria-hidden="true" focusable="false">
      {slot !== null && (
        <line
          x1={0}
          x2={16}
          y1={4}
          y2={4}
          stroke={colourOf(slot, dark)}
          strokeWidth={3}
          strokeDasharray={dashOf(slot).join(' ') || undefined}
        />
      )}
    </svg>
  )
}
