import type { JSX } from 'react'
import classes from './CodeView.module.css'
import { knownLanguage } from './source_lines'
import { TokenSpans } from './TokenSpans'
import { useColouredLines } from './use_coloured_lines'

interface Properties {
  readonly text: string
  /** The language's name, as notebooks have it. */
  readonly language: string
}

/** A short source as a whole, in the colours of its language. */
export function CodeBlock({ text, language }: Properties): JSX.Element {
  const { lines } = useColouredLines(text, knownLanguage(language))
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, so the keyboard must reach it
    <pre className={classes.block} tabIndex={0}>
      {lines.map((line, at) => (
        <div key={at}>{line.length === 0 ? ' ' : <TokenSpans line={line} />}</div>
      ))}
    </pre>
  )
}
