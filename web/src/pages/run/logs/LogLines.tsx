import { type JSX, useEffect, useLayoutEffect, useMemo, useRef, useState } from 'react'
import { PLAIN, parseAnsi } from './ansi'
import classes from './LogLines.module.css'
import { LogRow } from './LogRow'
import type { LogReader, LogState } from './log_reader'

const ROW = 19
const OVERSCAN = 20
/** Lines before the first drawn one that are looked at for colours that go on. */
const LOOK_BACK = 200
const NEAR = 2000

interface Properties {
  readonly reader: LogReader
  readonly state: LogState
  readonly marked: string
  readonly markedLine: number | null
  readonly label: string
}

/** The lines that are in sight. Scrolling near either end reads on; at a live log's end the view goes with it. */
export function LogLines({ reader, state, marked, markedLine, label }: Properties): JSX.Element {
  const box = useRef<HTMLDivElement>(null)
  const [top, setTop] = useState(0)
  const [height, setHeight] = useState(600)
  const isAtEnd = useRef(true)
  const anchor = useRef({ byte: 0, index: 0 })
  const { window } = state

  useEffect(() => {
    const element = box.current
    if (!element) return
    const observer = new ResizeObserver(() => setHeight(element.clientHeight))
    observer.observe(element)
    return () => observer.disconnect()
  }, [])

  // What is read must not move under the reader: lines that came or went above shift the view by as much.
  useLayoutEffect(() => {
    const element = box.current
    if (!element) return
    if (isAtEnd.current) {
      element.scrollTop = element.scrollHeight
      return
    }
    const index = window.indexOf(anchor.current.byte)
    if (index >= 0 && index !== anchor.current.index) {
      element.scrollTop += (index - anchor.current.index) * ROW
      anchor.current = { byte: anchor.current.byte, index }
    }
  }, [window])

  // biome-ignore lint/correctness/useExhaustiveDependencies: a jump, and nothing else, moves the view
  useLayoutEffect(() => {
    const element = box.current
    if (!element || state.jumps === 0) return
    isAtEnd.current = state.target === 'end'
    const index = state.target === 'end' ? window.lineCount : Math.max(0, window.indexOf(state.target))
    element.scrollTop = state.target === 'end' ? element.scrollHeight : index * ROW - element.clientHeight / 3
    anchor.current = { byte: window.line(index).start, index }
  }, [state.jumps])

  const onScroll = () => {
    const element = box.current
    if (!element) return
    const { scrollTop, scrollHeight, clientHeight } = element
    setTop(scrollTop)
    isAtEnd.current = scrollHeight - scrollTop - clientHeight < 2 * ROW
    const index = Math.floor(scrollTop / ROW)
    anchor.current = { byte: window.line(index).start, index }
    if (scrollTop < NEAR) void reader.before()
    if (scrollHeight - scrollTop - clientHeight < NEAR) void reader.after()
  }

  const first = Math.max(0, Math.floor(top / ROW) - OVERSCAN)
  const last = Math.min(window.lineCount, Math.ceil((top + height) / ROW) + OVERSCAN)
  const rows = useMemo(() => {
    const drawn = []
    let style = PLAIN
    for (let index = Math.max(0, first - LOOK_BACK); index < last; index++) {
      const line = window.line(index)
      const parsed = parseAnsi(line.text, style)
      style = parsed.style
      if (index >= first) drawn.push({ index, start: line.start, spans: parsed.spans })
    }
    return drawn
  }, [window, first, last])

  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, so the keyboard must reach it
    <section ref={box} className={classes.box} onScroll={onScroll} tabIndex={0} aria-label={label}>
      <div className={classes.lines} style={{ height: window.lineCount * ROW }}>
        {rows.map(({ index, start, spans }) => (
          <LogRow
            key={start}
            top={index * ROW}
            number={window.firstLine === null ? null : window.firstLine + index + 1}
            spans={spans}
            marked={marked}
            isMarked={markedLine !== null && markedLine === start}
          />
        ))}
      </div>
    </section>
  )
}
