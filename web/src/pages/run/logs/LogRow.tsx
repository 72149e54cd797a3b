import { type CSSProperties, type JSX, memo, type ReactNode } from 'react'
import type { AnsiSpan, AnsiStyle } from './ansi'
import classes from './LogLines.module.css'

interface Properties {
  /** Px from the top of all lines. */
  readonly top: number
  readonly height: number
  /** The byte at which it begins. */
  readonly start: number
  readonly number: number | null
  readonly spans: readonly AnsiSpan[]
  readonly marked: string
  readonly isMarked: boolean
}

/** One line of a log: its number where it is known, and its text in the colours that it asks for. */
export const LogRow = memo(function LogRow(properties: Properties): JSX.Element {
  const { top, height, start, number, spans, marked, isMarked } = properties
  return (
    <div
      className={classes.row}
      style={{ transform: `translateY(${top}px)`, height }}
      data-marked={isMarked || undefined}
    >
      <span className={classes.number} data-number={number?.toLocaleString('en') ?? ''} data-start={start} />
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

/** The colours of the text and behind it: names of classes, or "#rrggbb". */
function coloursOf({ inverse, color, background }: AnsiStyle): readonly [string | null, string | null] {
  const [front, back] = inverse ? [background ?? 'paper', color ?? 'ink'] : [color, background]
  // The named colours are those of the page: on a background of the script's own they may not be read.
  return back?.startsWith('#') && !front?.startsWith('#')
    ? [isLight(back) ? '#1f2328' : '#ffffff', back]
    : [front, back]
}

function isLight(colour: string): boolean {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => Number.parseInt(colour.slice(at, at + 2), 16) / 255)
  const linear = (part: number) => (part <= 0.04 ? part / 12.9 : ((part + 0.055) / 1.055) ** 2.4)
  return 0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue) > 0.18
}

function classNames(style: AnsiStyle): string | undefined {
  const [color, background] = coloursOf(style)
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
  const [color, background] = coloursOf(style)
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
