import { useVirtualizer } from '@tanstack/react-virtual'
import { type JSX, useMemo, useRef } from 'react'
import classes from './CodeView.module.css'
import { languageOf, type TokenLine } from './source_lines'
import { TokenSpans } from './TokenSpans'
import { useColouredLines } from './use_coloured_lines'

interface Properties {
  readonly text: string
  /** The file's name: it tells the language. */
  readonly name: string
}

const ROW = 20

/** A text with numbered lines, in the colours of its language once they are known. Only lines in sight are drawn. */
export function CodeView({ text, name }: Properties): JSX.Element {
  const { plain, lines } = useColouredLines(text, languageOf(name))
  const box = useRef<HTMLDivElement>(null)
  const widest = useMemo(() => longestLine(plain), [plain])
  const virtual = useVirtualizer({
    count: plain.length,
    getScrollElement: () => box.current,
    estimateSize: () => ROW,
    overscan: 30,
  })

  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, so the keyboard must reach it
    <section ref={box} className={classes.box} tabIndex={0} aria-label={`Text of ${name}`}>
      <div className={classes.lines} style={{ height: virtual.getTotalSize(), minWidth: `${widest + 8}ch` }}>
        {virtual.getVirtualItems().map((item) => (
          <div key={item.index} className={classes.line} style={{ transform: `translateY(${item.start}px)` }}>
            <span className={classes.number} data-number={item.index + 1} />
            <span className={classes.text}>
              <TokenSpans line={lines[item.index] ?? []} />
            </span>
          </div>
        ))}
      </div>
    </section>
  )
}

/** Characters of the longest line, up to a bound. */
function longestLine(lines: readonly TokenLine[]): number {
  let longest = 0
  for (const line of lines) longest = Math.max(longest, line[0]?.text.length ?? 0)
  return Math.min(longest, 20_000)
}
