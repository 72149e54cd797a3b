import { ActionIcon, Menu } from '@mantine/core'
import { type DragEvent, type PointerEvent, useRef, useState } from 'react'
import { Icon } from '../../parts/Icon'
import { columnLabel, columnSorts, metricColumn, type Reduction, RUN, splitColumn } from './columns'
import classes from './head.module.css'

/** What the head of a column can ask for. */
export interface ColumnActions {
  readonly onSort: (column: string, descending?: boolean) => void
  /** So many places to the right. */
  readonly onMove: (column: string, by: number) => void
  /** To the place of another one. */
  readonly onPlace: (column: string, before: string) => void
  /** In px; null: the usual width. */
  readonly onWidth: (column: string, width: number | null) => void
  readonly onReplace: (column: string, by: string) => void
  readonly onHide: (column: string) => void
  readonly onGroup: (column: string) => void
}

interface Props {
  readonly column: string
  readonly className?: string | undefined
  /** How runs are sorted by it; undefined where they are not. */
  readonly order: 'ascending' | 'descending' | undefined
  readonly width: number
  readonly actions: ColumnActions
  /** While it is dragged; null when it is not any more. */
  readonly onDrag: (width: number | null) => void
}

const STEP = 40
const DRAGGED = 'application/x-milepost-column'
const REDUCTIONS: readonly { readonly reduction: Reduction; readonly label: string }[] = [
  { reduction: 'last', label: 'Last value' },
  { reduction: 'min', label: 'Least value' },
  { reduction: 'max', label: 'Greatest value' },
]

/** A column's head: sorts when pressed, is dragged to another place or width, and has a menu for all of that. */
export function HeadCell({ column, className, order, width, actions, onDrag }: Props) {
  const label = columnLabel(column)
  const isRun = column === RUN
  const [isOver, setOver] = useState(false)
  const takes = (event: DragEvent) => !isRun && event.dataTransfer.types.includes(DRAGGED)
  return (
    <th
      scope="col"
      className={className}
      aria-sort={order}
      data-column={column}
      data-over={isOver || undefined}
      draggable={!isRun}
      onDragStart={(event) => {
        event.dataTransfer.setData(DRAGGED, column)
        event.dataTransfer.effectAllowed = 'move'
      }}
      onDragOver={(event) => {
        if (!takes(event)) return
        event.preventDefault()
        setOver(true)
      }}
      onDragLeave={() => setOver(false)}
      onDrop={(event) => {
        setOver(false)
        if (!takes(event)) return
        event.preventDefault()
        actions.onPlace(event.dataTransfer.getData(DRAGGED), column)
      }}
    >
      <div className={classes.head}>
        {columnSorts(column) ? (
          <button type="button" className={classes.sort} title={column} onClick={() => actions.onSort(column)}>
            <span>{label}</span>
            {order && <Icon name={order === 'descending' ? 'down' : 'up'} size={14} />}
          </button>
        ) : (
          <span className={classes.label} title={column}>
            {label}
          </span>
        )}
        <HeadMenu column={column} label={label} width={width} actions={actions} />
      </div>
      <Edge width={width} onDrag={onDrag} onWidth={(next) => actions.onWidth(column, next)} />
    </th>
  )
}

interface MenuProps {
  readonly column: string
  readonly label: string
  readonly width: number
  readonly actions: ColumnActions
}

function HeadMenu({ column, label, width, actions }: MenuProps) {
  // A table may have a hundred columns: their menus are made when they are first opened.
  const [isMade, setMade] = useState(false)
  const [isOpen, setOpen] = useState(false)
  const button = (
    <ActionIcon
      variant="subtle"
      color="gray"
      size={24}
      className={classes.menu}
      aria-label={`Column ${label}`}
      aria-haspopup="menu"
      onClick={() => {
        setMade(true)
        setOpen(true)
      }}
    >
      <Icon name="more" size={16} />
    </ActionIcon>
  )
  if (!isMade) return button
  const parts = splitColumn(column)
  const isRun = column === RUN
  return (
    <Menu opened={isOpen} onChange={setOpen} position="bottom-end" shadow="md" withinPortal hideDetached={false}>
      <Menu.Target>{button}</Menu.Target>
      <Menu.Dropdown>
        {columnSorts(column) && (
          <>
            <Menu.Item leftSection={<Icon name="up" size={14} />} onClick={() => actions.onSort(column, false)}>
              Sort ascending
            </Menu.Item>
            <Menu.Item leftSection={<Icon name="down" size={14} />} onClick={() => actions.onSort(column, true)}>
              Sort descending
            </Menu.Item>
          </>
        )}
        {isRun && (
          <Menu.Item leftSection={<Icon name="none" size={14} />} onClick={() => actions.onSort('name', false)}>
            Sort by name
          </Menu.Item>
        )}
        {parts !== null && parts.kind !== 'metrics' && (
          <Menu.Item leftSection={<Icon name="none" size={14} />} onClick={() => actions.onGroup(column)}>
            Group by it
          </Menu.Item>
        )}
        {parts?.kind === 'metrics' && (
          <>
            <Menu.Divider />
            <Menu.RadioGroup
              value={parts.reduction}
              onChange={(value) => actions.onReplace(column, metricColumn(parts.name, value as Reduction))}
            >
              {REDUCTIONS.map(({ reduction, label: text }) => (
                <Menu.RadioItem key={reduction} value={reduction}>
                  {text}
                </Menu.RadioItem>
              ))}
            </Menu.RadioGroup>
          </>
        )}
        <Menu.Divider />
        {!isRun && (
          <>
            <Menu.Item leftSection={<Icon name="left" size={14} />} onClick={() => actions.onMove(column, -1)}>
              Move left
            </Menu.Item>
            <Menu.Item leftSection={<Icon name="right" size={14} />} onClick={() => actions.onMove(column, 1)}>
              Move right
            </Menu.Item>
          </>
        )}
        <Menu.Item
          leftSection={<Icon name="wider" size={14} />}
          closeMenuOnClick={false}
          onClick={() => actions.onWidth(column, width + STEP)}
        >
          Wider
        </Menu.Item>
        <Menu.Item
          leftSection={<Icon name="narrower" size={14} />}
          closeMenuOnClick={false}
          onClick={() => actions.onWidth(column, width - STEP)}
        >
          Narrower
        </Menu.Item>
        <Menu.Item leftSection={<Icon name="none" size={14} />} onClick={() => actions.onWidth(column, null)}>
          Usual width
        </Menu.Item>
        {!isRun && (
          <Menu.Item leftSection={<Icon name="close" size={14} />} onClick={() => actions.onHide(column)}>
            Hide
          </Menu.Item>
        )}
      </Menu.Dropdown>
    </Menu>
  )
}

interface EdgeProps {
  readonly width: number
  readonly onDrag: (width: number | null) => void
  readonly onWidth: (width: number | null) => void
}

/** The right edge: dragged it changes the width; a double click brings the usual one back. The menu does the same. */
function Edge({ width, onDrag, onWidth }: EdgeProps) {
  const from = useRef<{ readonly x: number; readonly width: number } | null>(null)
  const widthAt = (event: PointerEvent) => (from.current ? from.current.width + event.clientX - from.current.x : width)
  return (
    <div
      className={classes.edge}
      aria-hidden="true"
      draggable
      onDragStart={(event) => {
        event.preventDefault() // the edge is pulled, the column is not moved
        event.stopPropagation()
      }}
      onPointerDown={(event) => {
        if (event.button !== 0) return
        from.current = { x: event.clientX, width }
        event.currentTarget.setPointerCapture(event.pointerId)
      }}
      onPointerMove={(event) => {
        if (from.current) onDrag(widthAt(event))
      }}
      onPointerUp={(event) => {
        const isMoved = from.current !== null && Math.abs(event.clientX - from.current.x) > 2
        if (isMoved) onWidth(widthAt(event))
        from.current = null
        onDrag(null)
      }}
      onPointerCancel={() => {
        from.current = null
        onDrag(null)
      }}
      onDoubleClick={() => onWidth(null)}
    />
  )
}
