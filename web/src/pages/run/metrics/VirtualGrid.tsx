import { useElementSize } from '@mantine/hooks'
import { useWindowVirtualizer } from '@tanstack/react-virtual'
import { type ReactNode, useEffect, useMemo, useRef, useState } from 'react'
import type { Address } from '../../../state/address'
import { type Card, type GridRow, type Group, gridRows } from './arrange'
import { type ChartSize, HEIGHTS, WIDTHS } from './settings'
import classes from './VirtualGrid.module.css'

interface Props {
  readonly groups: readonly Group[]
  readonly size: ChartSize
  readonly closed: ReadonlySet<string>
  readonly onToggle: (group: string) => void
  readonly render: (card: Card) => ReactNode
}

/** Px of a card around its plot, and between rows. */
const AROUND = 76
const OTHER_ROWS: Readonly<Record<Exclude<GridRow['kind'], 'cards'>, number>> = { group: 40, tiles: 86 }
const TILE = 210
/** Rows that are drawn though they are not seen yet: not before those that are. */
const AHEAD = 2
const SETTLE_MS = 300

interface Closing {
  readonly closed: ReadonlySet<string>
  readonly toggle: (group: string) => void
  readonly close: (groups: readonly string[]) => void
}

/** Which groups are closed, as the address says; '-' stands for the one without a name. */
export function useGroups({ list, set }: Address): Closing {
  return useMemo(() => {
    const closed = new Set(list('closed').map((name) => (name === '-' ? '' : name)))
    const close = (names: Iterable<string>) => set({ closed: [...names].map((name) => name || '-') })
    const toggle = (name: string) => {
      const names = new Set(closed)
      if (!names.delete(name)) names.add(name)
      close(names)
    }
    return { closed, close, toggle }
  }, [list, set])
}

/** Cards in rows, of which only those near the window exist: a thousand charts cost as much as ten. */
export function VirtualGrid({ groups, size, closed, onToggle, render }: Props) {
  const { ref, width } = useElementSize()
  const top = useRef<HTMLDivElement>(null)
  const columns = useMemo(
    () => ({ tiles: Math.max(1, Math.floor(width / TILE)), cards: Math.max(1, Math.floor(width / WIDTHS[size])) }),
    [width, size],
  )
  const rows = useMemo(() => (width > 0 ? gridRows(groups, closed, columns) : []), [groups, closed, columns, width])
  const isSettled = useSettled()
  const virtualizer = useWindowVirtualizer({
    count: rows.length,
    estimateSize: (at) => {
      const kind = rows[at]?.kind ?? 'cards'
      return kind === 'cards' ? HEIGHTS[size] + AROUND : OTHER_ROWS[kind]
    },
    getItemKey: (at) => `${size} ${rows[at]?.key ?? at}`,
    overscan: isSettled ? AHEAD : 0,
    scrollMargin: top.current?.offsetTop ?? 0,
  })
  return (
    <div ref={top}>
      <div ref={ref} className={classes.grid} style={{ height: virtualizer.getTotalSize() }}>
        {virtualizer.getVirtualItems().map((item) => {
          const row = rows[item.index]
          if (!row) return null
          const place = { transform: `translateY(${item.start - virtualizer.options.scrollMargin}px)` }
          return (
            <div
              key={item.key}
              ref={virtualizer.measureElement}
              data-index={item.index}
              className={classes.row}
              style={place}
            >
              {row.kind === 'group' ? (
                <h3 className={classes.heading}>
                  <button
                    type="button"
                    className={classes.group}
                    aria-expanded={row.open}
                    onClick={() => onToggle(row.group.name)}
                  >
                    {row.open ? '▾' : '▸'} {row.group.name || 'Without a prefix'}{' '}
                    <span className={classes.count}>{row.group.cards.length}</span>
                  </button>
                </h3>
              ) : (
                <div
                  className={classes.cards}
                  style={{ gridTemplateColumns: `repeat(${columnsOf(row, groups, columns)}, minmax(0, 1fr))` }}
                >
                  {row.cards.map((card) => (
                    <div key={card.key}>{render(card)}</div>
                  ))}
                </div>
              )}
            </div>
          )
        })}
      </div>
    </div>
  )
}

/** False until what is seen first has had its time. */
function useSettled(): boolean {
  const [isSettled, setSettled] = useState(false)
  useEffect(() => {
    const waiting = setTimeout(() => setSettled(true), SETTLE_MS)
    return () => clearTimeout(waiting)
  }, [])
  return isSettled
}

/** A page of fewer charts than fit beside each other gives them all of its width. */
function columnsOf(
  row: Exclude<GridRow, { kind: 'group' }>,
  groups: readonly Group[],
  columns: { readonly tiles: number; readonly cards: number },
): number {
  if (row.kind === 'tiles') return columns.tiles
  const most = Math.max(...groups.map(({ cards }) => cards.filter((card) => card.kind !== 'tile').length))
  return Math.min(columns.cards, Math.max(1, most))
}
