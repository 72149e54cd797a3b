import { type JSX, type MouseEvent, useEffect, useLayoutEffect, useMemo, useRef, useState } from 'react'
import { PLAIN, parseAnsi } from './ansi'
import classes from './LogLines.module.css'
import { LogRow } from './LogRow'
import type { LogReader, LogState } from './log_reader'
import { plainLayout, wrappedLayout } from './wrapping'

const ROW = 19
const OVERSCAN = 20
/** Lines before the first drawn one that are looked at for colours that go on. */
const LOOK_BACK = 200
const NEAR = 2000
/** Px beside the text of a line: its number, and room at its end. */
const BESIDE = 92 + 16

interface Properties {
  readonly reader: LogReader
  readonly state: LogState
  readonly marked: string
  /** A byte of the line that is marked. */
  readonly markedLine: number | null
  readonly label: string
  /** Long lines go on in the next row. */
  readonly isWrapped?: boolean
  /** The number of a line was pressed; the byte at which it begins. */
  readonly onLine?: (start: number) => void
  /** The end of the log came into sight, or left it. */
  readonly onEnd?: (isInSight: boolean) => void
}

/** The lines that are in sight. Scrolling near either end reads on; at a live log's end the view goes with it. */
export function LogLines(properties: Properties): JSX.Element {
  const { reader, state, marked, markedLine, label, isWrapped = false, onLine, onEnd } = properties
  const box = useRef<HTMLDivElement>(null)
  const measure = useRef<HTMLSpanElement>(null)
  const [top, setTop] = useState(0)
  const [height, setHeight] = useState(600)
  const [columns, setColumns] = useState(0)
  const isAtEnd = useRef(true)
  const anchor = useRef({ byte: 0, row: 0 })
  const { window } = state
  const width = isWrapped ? columns : 0
  const layout = useMemo(
    () => (width > 0 ? wrappedLayout(window.rows(width)) : plainLayout(window.lineCount)),
    [window, width],
  )

  useEffect(() => {
    const element = box.current
    if (!element) return
    const observer = new ResizeObserver(() => {
      setHeight(element.clientHeight)
      const letter = (measure.current?.getBoundingClientRect().width ?? 0) / LETTERS.length
      if (letter > 0) setColumns(Math.max(20, Math.floor((element.clientWidth - BESIDE) / letter)))
    })
    observer.observe(element)
    return () => observer.disconnect()
  }, [])

  // What is read must not move under the reader: rows that came or went above shift the view by as much.
  useLayoutEffect(() => {
    const element = box.current
    if (!element) return
    if (isAtEnd.current) {
      element.scrollTop = element.scrollHeight
      return
    }
    const index = window.indexOf(anchor.current.byte)
    if (index < 0) return
    const row = layout.rowOf(index)
    if (row !== anchor.current.row) {
      element.scrollTop += (row - anchor.current.row) * ROW
      anchor.current = { byte: anchor.current.byte, row }
    }
  }, [window, layout])

  // biome-ignore lint/correctness/useExhaustiveDependencies: a jump, and nothing else, moves the view
  useLayoutEffect(() => {
    const element = box.current
    if (!element || state.jumps === 0) return
    isAtEnd.current = state.target === 'end'
    const index = state.target === 'end' ? window.lineCount : Math.max(0, window.indexOf(state.target))
    const row = layout.rowOf(index)
    element.scrollTop = state.target === 'end' ? element.scrollHeight : row * ROW - element.clientHeight / 3
    anchor.current = { byte: window.line(index).start, row }
  }, [state.jumps])

  const onScroll = () => {
    const element = box.current
    if (!element) return
    const { scrollTop, scrollHeight, clientHeight } = element
    setTop(scrollTop)
    const atEnd = scrollHeight - scrollTop - clientHeight < 2 * ROW
    if (atEnd !== isAtEnd.current) onEnd?.(atEnd)
    isAtEnd.current = atEnd
    const index = layout.lineAt(Math.floor(scrollTop / ROW))
    anchor.current = { byte: window.line(index).start, row: layout.rowOf(index) }
    if (scrollTop < NEAR) void reader.before()
    if (scrollHeight - scrollTop - clientHeight < NEAR) void reader.after()
  }

  const first = layout.lineAt(Math.max(0, Math.floor(top / ROW) - OVERSCAN))
  const last = Math.min(window.lineCount, layout.lineAt(Math.ceil((top + height) / ROW) + OVERSCAN) + 1)
  const rows = useMemo(() => {
    const drawn = []
    let style = PLAIN
    for (let index = Math.max(0, first - LOOK_BACK); index < last; index++) {
      const line = window.line(index)
      const parsed = parseAnsi(line.text, style)
      style = parsed.style
      if (index >= first) drawn.push({ index, start: line.start, number: line.number, spans: parsed.spans })
    }
    return drawn
  }, [window, first, last])
  const markedIndex = markedLine === null ? -1 : window.indexOf(markedLine)

  const pressed = (event: MouseEvent) => {
    const start = event.target instanceof HTMLElement ? event.target.dataset.start : undefined
    if (start !== undefined) onLine?.(Number(start))
  }

  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: a button beside the log does the same for the line in sight
    <section
      ref={box}
      className={classes.box}
      data-wrapped={width > 0 || undefined}
      data-linked={onLine !== undefined || undefined}
      onScroll={onScroll}
      onClick={pressed}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, so the keyboard must reach it
      tabIndex={0}
      aria-label={label}
    >
      <span ref={measure} className={classes.measure} aria-hidden="true">
        {LETTERS}
      </span>
      <div className={classes.lines} style={{ height: layout.rows * ROW }}>
        {rows.map(({ index, start, number, spans }) => (
          <LogRow
            key={start}
            top={layout.rowOf(index) * ROW}
            height={(layout.rowOf(index + 1) - layout.rowOf(index)) * ROW}
            start={start}
            number={number}
            spans={spans}
            marked={marked}
            isMarked={index === markedIndex}
          />
        ))}
      </div>
    </section>
  )
}

const LETTERS = 'M'.repeat(100)
