import { Text, TextInput } from '@mantine/core'
import { useVirtualizer } from '@tanstack/react-virtual'
import { type JSX, type KeyboardEvent, type ReactNode, useMemo, useRef, useState } from 'react'
import { formatBytes } from '../../../parts/format'
import classes from './FileTree.module.css'
import { buildTree, foldersAbove, openAtFirst, type TreeEntry, type TreeRow, visibleRows } from './tree'

interface Properties<Entry extends TreeEntry> {
  readonly entries: readonly Entry[]
  readonly selected: string | null
  readonly onSelect: (name: string) => void
  readonly label: string
  /** What stands behind a file's name, such as a mark. */
  readonly mark?: (entry: Entry) => ReactNode
}

const ROW = 28

/** Files as a tree for mouse and keyboard (arrows, Enter, Home, End). Only what is in sight is drawn. */
export function FileTree<Entry extends TreeEntry>({
  entries,
  selected,
  onSelect,
  label,
  mark,
}: Properties<Entry>): JSX.Element {
  const [toggled, setToggled] = useState<ReadonlyMap<string, boolean>>(new Map())
  const [wanted, setWanted] = useState('')
  const [active, setActive] = useState<string | null>(null)
  const box = useRef<HTMLDivElement>(null)

  const shown = useMemo(() => {
    const text = wanted.trim().toLowerCase()
    return text === '' ? entries : entries.filter((each) => each.name.toLowerCase().includes(text))
  }, [entries, wanted])
  const tree = useMemo(() => buildTree(shown), [shown])
  const rows = useMemo(() => {
    const open =
      wanted.trim() === ''
        ? openAtFirst(shown)
        : new Set(shown.slice(0, 2000).flatMap((each) => foldersAbove(each.name)))
    for (const path of selected === null ? [] : foldersAbove(selected)) open.add(path)
    for (const [path, isOpen] of toggled) isOpen ? open.add(path) : open.delete(path)
    return visibleRows(tree, open)
  }, [tree, shown, wanted, selected, toggled])

  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => box.current,
    estimateSize: () => ROW,
    overscan: 12,
  })

  const choose = (row: TreeRow<Entry>) => {
    setActive(row.path)
    if (row.entry) onSelect(row.entry.name)
    else setToggled(new Map(toggled).set(row.path, !row.isOpen))
  }

  const focused = Math.max(
    0,
    rows.findIndex((row) => row.path === (active ?? selected)),
  )
  const goTo = (index: number) => {
    const row = rows[Math.min(Math.max(index, 0), rows.length - 1)]
    if (!row) return
    setActive(row.path)
    virtual.scrollToIndex(rows.indexOf(row))
  }
  const onKeyDown = (event: KeyboardEvent) => {
    const row = rows[focused]
    if (!row) return
    const isOpen = row.entry === null && row.isOpen
    if (event.key === 'ArrowDown') goTo(focused + 1)
    else if (event.key === 'ArrowUp') goTo(focused - 1)
    else if (event.key === 'Home') goTo(0)
    else if (event.key === 'End') goTo(rows.length - 1)
    else if (event.key === 'Enter' || event.key === ' ') choose(row)
    else if (event.key === 'ArrowRight' && row.entry === null) row.isOpen ? goTo(focused + 1) : choose(row)
    else if (event.key === 'ArrowLeft' && isOpen) choose(row)
    else if (event.key === 'ArrowLeft')
      goTo(rows.findIndex((each) => each.path === foldersAbove(row.path.replace(/\/$/, '')).at(-1)))
    else return
    event.preventDefault()
  }

  return (
    <div className={classes.tree}>
      {entries.length > 15 && (
        <TextInput
          size="xs"
          type="search"
          aria-label="Find a file"
          placeholder="Find a file"
          value={wanted}
          onChange={(event) => setWanted(event.currentTarget.value)}
        />
      )}
      <div
        ref={box}
        className={classes.box}
        role="tree"
        aria-label={label}
        tabIndex={0}
        aria-activedescendant={rows[focused] ? rowId(rows[focused].path) : undefined}
        onKeyDown={onKeyDown}
      >
        <div className={classes.rows} style={{ height: virtual.getTotalSize() }}>
          {virtual.getVirtualItems().map((item) => {
            const row = rows[item.index]
            if (!row) return null
            return (
              // biome-ignore lint/a11y/useKeyWithClickEvents: the tree takes the keys
              <div
                key={row.path}
                id={rowId(row.path)}
                className={classes.row}
                role="treeitem"
                tabIndex={-1}
                aria-level={row.depth + 1}
                aria-selected={row.path === selected}
                aria-expanded={row.entry === null ? row.isOpen : undefined}
                data-active={item.index === focused || undefined}
                style={{ transform: `translateY(${item.start}px)`, paddingLeft: 8 + row.depth * 16 }}
                title={row.path}
                onClick={() => choose(row)}
              >
                <span className={classes.twist} aria-hidden>
                  {row.entry === null ? (row.isOpen ? '▾' : '▸') : ''}
                </span>
                <span className={classes.label}>{row.label}</span>
                {row.entry && mark?.(row.entry)}
                <span className={classes.size}>
                  {row.entry === null ? `${row.files.toLocaleString('en')} · ` : ''}
                  {formatBytes(row.bytes)}
                </span>
              </div>
            )
          })}
        </div>
        {rows.length === 0 && (
          <Text size="sm" c="dimmed" p="xs">
            No file’s name has “{wanted}”.
          </Text>
        )}
      </div>
    </div>
  )
}

function rowId(path: string): string {
  return `tree-${encodeURIComponent(path)}`
}
