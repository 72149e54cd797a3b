import { useVirtualizer } from '@tanstack/react-virtual'
import { type FocusEvent, useEffect, useLayoutEffect, useRef, useState } from 'react'
import type { RunRow } from '../../api/types'
import type { Order } from '../../state/order'
import { columnWidth, RUN, splitColumn, type Widths } from './columns'
import { type ColumnActions, HeadCell } from './HeadCell'
import { RunTableRow } from './RunTableRow'
import classes from './table.module.css'
import { useScrollMemory } from './use_scroll_memory'
import type { Sparklines } from './use_sparklines'

const ROW = 36

interface Props {
  readonly rows: readonly RunRow[]
  readonly total: number
  /** What the rows are an answer to: another one begins at its top. */
  readonly subject: string
  readonly columns: readonly string[]
  readonly widths: Widths
  readonly order: Order
  readonly chosen: ReadonlySet<string>
  /** The colours of the runs that are drawn beside the table; null where there are no charts. */
  readonly slots: ReadonlyMap<string, number> | null
  /** The run that the keyboard is at. */
  readonly active: string | null
  /** Counts up when the keyboard is to go there. */
  readonly moves: number
  readonly lines: Sparklines
  readonly sparklines: boolean
  readonly isOld: boolean
  readonly actions: ColumnActions
  readonly onActive: (runId: string) => void
  readonly onChoose: (runId: string, range: boolean) => void
  readonly onChooseAll: () => void
  readonly onShow: (first: number, last: number) => void
}

/** Runs as rows, of which only those are drawn that are seen. */
export function RunsTable(props: Props) {
  const { rows, total, columns, widths, order, chosen, slots, active, moves, onShow } = props
  const box = useRef<HTMLDivElement>(null)
  const [pulled, setPulled] = useState<{ readonly column: string; readonly width: number } | null>(null)
  const { initialOffset, onScroll } = useScrollMemory()
  const virtual = useVirtualizer({
    count: total,
    getScrollElement: () => box.current,
    estimateSize: () => ROW,
    overscan: 12,
    scrollPaddingStart: ROW,
    initialOffset,
  })
  const items = virtual.getVirtualItems()
  const first = items[0]?.index ?? 0
  const last = items.at(-1)?.index ?? 0
  useEffect(() => onShow(first, last), [first, last, onShow])
  useStayingRows(box, rows, props.subject)

  const activeIndex = active === null ? -1 : rows.findIndex((row) => row.run_id === active)
  // biome-ignore lint/correctness/useExhaustiveDependencies: only where the keyboard moves, not where rows come in
  useEffect(() => {
    if (moves > 0 && activeIndex >= 0) virtual.scrollToIndex(activeIndex)
  }, [moves, virtual])
  const reached = useRef(0)
  useEffect(() => {
    if (reached.current === moves) return
    const link = box.current?.querySelector<HTMLElement>('tr[data-active] a')
    if (!link) return // drawn in a moment, when it is scrolled to
    reached.current = moves
    link.focus({ preventScroll: true })
  })

  const above = items[0]?.start ?? 0
  const below = virtual.getTotalSize() - (items.at(-1)?.end ?? 0)
  const widthOf = (key: string) =>
    pulled?.column === key ? Math.max(pulled.width, 40) : (widths.get(key) ?? columnWidth(key))
  // The runs' names get the room that is left; where their width was chosen, an empty column does.
  const hasSpare = pulled?.column === RUN || widths.has(RUN)
  const width = columns.reduce((sum, key) => sum + widthOf(key), widthOf(RUN) + ROW)
  const isAllChosen = rows.length > 0 && rows.every((row) => chosen.has(row.run_id))
  const way = order.descending ? 'descending' : 'ascending'
  const isSorted = (key: string) => order.by === key || (key === RUN && order.by === 'name')
  const head = (key: string, className: string | undefined) => (
    <HeadCell
      key={key}
      column={key}
      className={className}
      order={isSorted(key) ? way : undefined}
      width={widthOf(key)}
      actions={props.actions}
      onDrag={(next) => setPulled(next === null ? null : { column: key, width: next })}
    />
  )
  const span = columns.length + (hasSpare ? 3 : 2)

  return (
    <section
      ref={box}
      className={classes.box}
      aria-label="Runs"
      // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by the keyboard
      tabIndex={0}
      data-old={props.isOld || undefined}
      onScroll={onScroll}
    >
      <table className={classes.table} aria-rowcount={total + 1} style={{ minWidth: width }}>
        <colgroup>
          <col style={{ width: ROW }} />
          <col style={hasSpare ? { width: widthOf(RUN) } : undefined} />
          {columns.map((key) => (
            <col key={key} style={{ width: widthOf(key) }} />
          ))}
          {hasSpare && <col />}
        </colgroup>
        <thead>
          <tr aria-rowindex={1}>
            <td className={classes.choice}>
              <input
                type="checkbox"
                aria-label="Choose all runs that are loaded"
                checked={isAllChosen}
                ref={(input) => {
                  if (input) input.indeterminate = chosen.size > 0 && !isAllChosen
                }}
                onChange={props.onChooseAll}
              />
            </td>
            {head(RUN, classes.run)}
            {columns.map((key) => head(key, splitColumn(key)?.kind === 'metrics' ? classes.measure : undefined))}
            {hasSpare && <td />}
          </tr>
        </thead>
        <tbody onFocus={(event) => tellActive(event, props.onActive)}>
          {above > 0 && <Space height={above} span={span} />}
          {items.map(({ index }) => {
            const row = rows[index]
            if (!row) return <Waiting key={index} position={index + 1} span={span - 2} />
            return (
              <RunTableRow
                key={row.run_id}
                row={row}
                position={index + 1}
                columns={columns}
                hasSpare={hasSpare}
                isChosen={chosen.has(row.run_id)}
                isActive={row.run_id === active}
                slot={slots === null ? undefined : (slots.get(row.run_id) ?? null)}
                lines={props.lines}
                sparklines={props.sparklines}
                onChoose={props.onChoose}
              />
            )
          })}
          {below > 0 && <Space height={below} span={span} />}
        </tbody>
      </table>
    </section>
  )
}

function tellActive(event: FocusEvent, onActive: (runId: string) => void): void {
  const runId = event.target.closest('tr')?.dataset.run
  if (runId !== undefined) onActive(runId)
}

/** New rows above those that are seen do not move them; rows of another order or filter begin at the top. */
function useStayingRows(box: { readonly current: HTMLElement | null }, rows: readonly RunRow[], subject: string): void {
  const before = useRef({ rows, subject })
  useLayoutEffect(() => {
    const { rows: old, subject: oldSubject } = before.current
    before.current = { rows, subject }
    const element = box.current
    if (!element || old === rows) return
    if (oldSubject !== subject) {
      element.scrollTop = 0
      return
    }
    if (element.scrollTop < ROW) return
    const top = Math.floor(element.scrollTop / ROW)
    const runId = old[top]?.run_id
    const now = runId === undefined || rows[top]?.run_id === runId ? top : rows.findIndex((row) => row.run_id === runId)
    if (now >= 0 && now !== top) element.scrollTop += (now - top) * ROW
  }, [box, rows, subject])
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
      {span > 0 && <td colSpan={span} />}
    </tr>
  )
}
