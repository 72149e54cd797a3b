import { useVirtualizer } from '@tanstack/react-virtual'
import { type JSX, useMemo, useRef } from 'react'
import classes from './DiffView.module.css'
import { type DiffLine, diffLines } from './diff_lines'

const ROW = 20
const SIGNS = { added: '+', removed: '−', same: ' ', hunk: '', file: '', note: '' } as const

/** A unified diff with the numbers of both sides. */
export function DiffView({ diff, label }: { readonly diff: string; readonly label: string }): JSX.Element {
  const lines = useMemo(() => diffLines(diff), [diff])
  const box = useRef<HTMLDivElement>(null)
  const virtual = useVirtualizer({
    count: lines.length,
    getScrollElement: () => box.current,
    estimateSize: () => ROW,
    overscan: 30,
  })
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, so the keyboard must reach it
    <section ref={box} className={classes.box} tabIndex={0} aria-label={label}>
      <div className={classes.lines} style={{ height: virtual.getTotalSize() }}>
        {virtual.getVirtualItems().map((item) => {
          const line = lines[item.index]
          return line && <Row key={item.index} line={line} top={item.start} />
        })}
      </div>
    </section>
  )
}

function Row({ line, top }: { readonly line: DiffLine; readonly top: number }): JSX.Element {
  return (
    <div className={classes.line} data-kind={line.kind} style={{ transform: `translateY(${top}px)` }}>
      <span className={classes.number} data-number={line.before ?? ''} />
      <span className={classes.number} data-number={line.after ?? ''} />
      <span className={classes.sign}>{SIGNS[line.kind]}</span>
      <span className={classes.text}>{line.text}</span>
    </div>
  )
}
