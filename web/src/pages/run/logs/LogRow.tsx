import { type CSSProperties, type JSX, memo, type ReactNode } from 'react'
import type { AnsiSpan, AnsiStyle } from './ansi'
import classes from './LogLines.module.css'

interface Properties {
  readonly top: number
  readonly number: number | null
  readonly spans: readonly AnsiSpan[]
  readonly marked: string
  readonly isMarked: boolean
}

/** One line of a log: its number where it is known, and its text in the colours that it asks for. */
export const LogRow = memo(function LogRow({ top, number, spans, marked, isMarked }: Properties): JSX.Element {
  return (
    <div className={classes.row} style={{ transform: `translateY(${top}px)` }} data-marked={isMarked || undefined}>
      <span className={classes.number} data-number={number?.toLocaleString('en') ?? ''} />
      <span className={classes.text}>
        {spans.map((span, index) => (
          <span key={index} className={classNames(span.style)} style={colors(span.style)}>
            {withMarks(span.text, marked)}
          </span>
        ))}
      </span>
    </div>
  )
})

function classNames(style: AnsiStyle): string | undefined {
  const [color, background] = style.inverse
    ? [style.background ?? 'paper', style.color ?? 'ink']
    : [style.color, style.background]
  const names = [
    style.bold && classes.bold,
    style.dim && classes.dim,
    style.italic && classes.italic,
    style.underline && classes.underline,
    style.strike && classes.strike,
    color && !color.startsWith('#') && classes[color],
    background && !background.startsWith('#') && classes[`${background}Back`],
  ]
  return names.filter(Boolean).join(' ') || undefined
}

function colors(style: AnsiStyle): CSSProperties | undefined {
  const [color, background] = style.inverse ? [style.background, style.color] : [style.color, style.background]
  const found: CSSProperties = {}
  if (color?.startsWith('#')) found.color = color
  if (background?.startsWith('#')) found.backgroundColor = background
  return found.color || found.backgroundColor ? found : undefined
}

/** The text with what was searched for in marks. Only the letters A to Z are taken alike in both cases. */
function withMarks(text: string, marked: string): ReactNode {
  if (marked === '') return text
  const folded = text.toLowerCase()
  const wanted = marked.toLowerCase()
  if (folded.length !== text.length || !folded.includes(wanted)) return text
  const parts: ReactNode[] = []
  let from = 0
  for (let at = folded.indexOf(wanted); at >= 0; at = folded.indexOf(wanted, from)) {
    parts.push(text.slice(from, at), <mark key={at}>{text.slice(at, at + wanted.length)}</mark>)
    from = at + wanted.length
  }
  parts.push(text.slice(from))
  return parts
}
