import type { JSX } from 'react'
import classes from './CodeView.module.css'
import type { TokenLine } from './source_lines'

/** The parts of a line in the colours of their kinds. */
export function TokenSpans({ line }: { readonly line: TokenLine }): JSX.Element {
  return (
    <>
      {line.map((token, index) => (
        <span
          key={index}
          className={token.kind === null ? undefined : classes[token.kind === 'number' ? 'number-token' : token.kind]}
        >
          {token.text}
        </span>
      ))}
    </>
  )
}
