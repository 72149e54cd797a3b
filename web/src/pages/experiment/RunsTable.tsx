import { useVirtualizer } from '@tanstack/react-virtual'
import { useEffect, useRef } from 'react'
import type { RunRow } from '../../api/types'
import { Icon } from '../../parts/Icon'
import { columnLabel, columnSorts, columnWidth, splitColumn } from './columns'
import { RunTableRow } from './RunTableRow'
import classes from './table.module.css'
import type { Sparklines } from './use_sparklines'

const ROW = 36
const RUN_WIDTH = 190

interface Props {
  readonly rows: readonly RunRow[]
  readonly total: number
  readonly columns: readonly string[]
  readonly sort: string
  readonly descending: boolean
  readonly chosen: ReadonlySet<string>
  /** Index of the row that the keyboard is at; -1 for none. */
  readonly active: number
  readonly lines: Sparklines
  readonly sparklines: boolean
  readonly isOld: boolean
  readonly onSort: (column: string) => void
  readonly onChoose: (runId: string, position: number, range: boolean) => void
  readonly onChooseAll: () => void
  readonly onShow: (first: number, last: number) => void
}

/** Runs as rows, of which only those are drawn that are seen. */
export function RunsTable(props: Props) {
  const { rows, total, columns, sort, descending, chosen, active, lines, sparklines, isOld, onShow } = props
  const box = useRef<HTMLDivElement>(null)
  const virtual = useVirtualizer({
    count: total,
    getScrollElement: () => box.current,
    estimateSize: () => ROW,
    overscan: 12,
    scrollPaddingStart: ROW,
  })
  const items = virtual.getVirtualItems()
  const first = items[0]?.index ?? 0
  const last = items.at(-1)?.index ?? 0
  useEffect(() => onShow(first, last), [first, last, onShow])
  useEffect(() => {
    if (active >= 0) virtual.scrollToIndex(active)
  }, [active, virtual])

  const above = items[0]?.start ?? 0
  const below = virtual.getTotalSize() - (items.at(-1)?.end ?? 0)
  const width = columns.reduce((sum, key) => sum + columnWidth(key), RUN_WIDTH + ROW)
  const isAllChosen = rows.length > 0 && rows.every((row) => chosen.has(row.run_id))

  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by the keyboard
    <section ref={box} className={classes.box} aria-label="Runs" tabIndex={0} data-old={isOld || undefined}>
      <table className={classes.table} aria-rowcount={total + 1} style={{ minWidth: width }}>
        <colgroup>
          <col style={{ width: ROW }} />
          <col style={{ width: RUN_WIDTH }} />
          {columns.map((key) => (
            <col key={key} style={{ width: columnWidth(key) }} />
          ))}
        </colgroup>
        <thead>
          <tr aria-rowindex={1}>
            <td className={classes.choice}>
              <input
                type="checkbox"
                aria-label="Choose all runs that are loaded"
                checked={isAllChosen}
                onChange={props.onChooseAll}
              />
            </td>
            <HeadCell column="number" label="Run" sort={sort} descending={descending} onSort={props.onSort} isRun />
            {columns.map((key) => (
              <HeadCell
                key={key}
                column={key}
                label={columnLabel(key)}
                sort={sort}
                descending={descending}
                onSort={props.onSort}
              />
            ))}
          </tr>
        </thead>
        <tbody>
          {above > 0 && <Space height={above} span={columns.length + 2} />}
          {items.map(({ index }) => {
            const row = rows[index]
            if (!row) return <Waiting key={index} position={index + 1} span={columns.length} />
            return (
              <RunTableRow
                key={row.run_id}
                row={row}
                position={index + 1}
                columns={columns}
                isChosen={chosen.has(row.run_id)}
                isActive={index === active}
                lines={lines}
                sparklines={sparklines}
                onChoose={props.onChoose}
              />
            )
          })}
          {below > 0 && <Space height={below} span={columns.length + 2} />}
        </tbody>
      </table>
    </section>
  )
}

interface HeadProps {
  readonly column: string
  readonly label: string
  readonly sort: string
  readonly descending: boolean
  readonly isRun?: boolean
  readonly onSort: (column: string) => void
}

function HeadCell({ column, label, sort, descending, isRun, onSort }: HeadProps) {
  const isSorted = sort === column
  const order = descending ? 'descending' : 'ascending'
  return (
    <th
      scope="col"
      className={isRun ? classes.run : splitColumn(column)?.kind === 'metrics' ? classes.measure : undefined}
      aria-sort={isSorted ? order : undefined}
    >
      {column === 'number' || columnSorts(column) ? (
        <button type="button" className={classes.sort} title={column} onClick={() => onSort(column)}>
          <span>{label}</span>
          {isSorted && <Icon name={descending ? 'down' : 'up'} size={14} />}
        </button>
      ) : (
        <span title={column}>{label}</span>
      )}
    </th>
  )
}

function Space({ height, span }: { readonly height: number; readonly span: number }) {
  return (
    // biome-ignore lint/a11y/noAriaHiddenOnFocusable: nothing in it can have the focus
    <tr aria-hidden="true">
      <td colSpan={span} className={classes.space} style={{ height }} />
    </tr>
  )
}

function Waiting({ position, span }: { readonly position: number; readonly span: number }) {
  return (
    <tr aria-rowindex={position + 1}>
      <td className={classes.choice} />
      <th scope="row" className={classes.run}>
        <span className={classes.waiting}>loading…</span>
      </th>
      <td colSpan={span} />
    </tr>
  )
}
