import { useElementSize } from '@mantine/hooks'
import { useWindowVirtualizer } from '@tanstack/react-virtual'
import { type ReactNode, useMemo, useRef } from 'react'
import { type Card, type GridRow, type Group, gridRows } from './arrange'
import classes from './VirtualGrid.module.css'

interface Props {
  readonly groups: readonly Group[]
  readonly closed: ReadonlySet<string>
  readonly onToggle: (group: string) => void
  readonly render: (card: Card) => ReactNode
}

const HEIGHTS: Readonly<Record<GridRow['kind'], number>> = { group: 40, tiles: 86, cards: 276 }

/** Cards in rows, of which only those near the window exist: a thousand charts cost as much as ten. */
export function VirtualGrid({ groups, closed, onToggle, render }: Props) {
  const { ref, width } = useElementSize()
  const top = useRef<HTMLDivElement>(null)
  const columns = useMemo(
    () => ({ tiles: Math.max(1, Math.floor(width / 210)), cards: Math.max(1, Math.floor(width / 400)) }),
    [width],
  )
  const rows = useMemo(() => (width > 0 ? gridRows(groups, closed, columns) : []), [groups, closed, columns, width])
  const virtualizer = useWindowVirtualizer({
    count: rows.length,
    estimateSize: (at) => HEIGHTS[rows[at]?.kind ?? 'cards'],
    getItemKey: (at) => rows[at]?.key ?? at,
    overscan: 2,
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
                <button
                  type="button"
                  className={classes.group}
                  aria-expanded={row.open}
                  onClick={() => onToggle(row.group.name)}
                >
                  {row.open ? '▾' : '▸'} {row.group.name || 'Without a prefix'}{' '}
                  <span className={classes.count}>{row.group.cards.length}</span>
                </button>
              ) : (
                <div
                  className={classes.cards}
                  style={{ gridTemplateColumns: `repeat(${columns[row.kind]}, minmax(0, 1fr))` }}
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
