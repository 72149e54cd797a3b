/** Colours of terminals (SGR sequences) in log lines. All other escape sequences are left out; the rest is plain text. */

export interface AnsiStyle {
  /** "ansi0" … "ansi15", "#rrggbb", or null for the page's own. */
  readonly color: string | null
  readonly background: string | null
  readonly bold: boolean
  readonly dim: boolean
  readonly italic: boolean
  readonly underline: boolean
  readonly strike: boolean
  readonly inverse: boolean
}

export interface AnsiSpan {
  readonly text: string
  readonly style: AnsiStyle
}

export const PLAIN: AnsiStyle = {
  color: null,
  background: null,
  bold: false,
  dim: false,
  italic: false,
  underline: false,
  strike: false,
  inverse: false,
}

const ESCAPE = '\u001b'

// CSI … final byte; OSC … up to BEL or ST (also unended ones, to the end of the line); other two-byte escapes.
const SEQUENCE = new RegExp(
  `${ESCAPE}(?:\\[([0-9;:?<=>]*)[ -/]*([@-~])|\\][^\\u0007${ESCAPE}]*(?:\\u0007|${ESCAPE}\\\\)?|[PX^_][^${ESCAPE}]*(?:${ESCAPE}\\\\)?|[ -/]*[0-~]?)`,
  'g',
)

// Control characters that would be drawn as boxes; tabs stay.
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const CONTROLS = /[\u0000-\u0008\u000a-\u001a\u001c-\u001f\u007f]/g

/** The spans of a line that begins in `style`, and the style that the next line begins in. */
export function parseAnsi(line: string, style: AnsiStyle = PLAIN): { spans: AnsiSpan[]; style: AnsiStyle } {
  const text = line.replace(CONTROLS, '')
  if (!text.includes(ESCAPE)) return { spans: text === '' ? [] : [{ text, style }], style }
  const spans: AnsiSpan[] = []
  let now = style
  let from = 0
  const add = (piece: string) => {
    if (piece === '') return
    const last = spans.at(-1)
    if (last && last.style === now) spans[spans.length - 1] = { text: last.text + piece, style: now }
    else spans.push({ text: piece, style: now })
  }
  for (const found of text.matchAll(SEQUENCE)) {
    add(text.slice(from, found.index))
    from = found.index + found[0].length
    if (found[2] === 'm') now = withCodes(now, found[1] ?? '')
  }
  add(text.slice(from))
  return { spans, style: now }
}

/** The line without any escape sequence: what is searched and copied. */
export function plainText(line: string): string {
  const text = line.replace(CONTROLS, '')
  return text.includes(ESCAPE) ? text.replace(SEQUENCE, '') : text
}

function withCodes(style: AnsiStyle, parameters: string): AnsiStyle {
  const codes = parameters.split(/[;:]/).map((each) => (each === '' ? 0 : Number(each)))
  let now = style
  for (let at = 0; at < codes.length; at++) {
    const code = codes[at] ?? 0
    if (code === 38 || code === 48) {
      const [color, used] = extendedColor(codes, at + 1)
      at += used
      if (color !== null) now = code === 38 ? { ...now, color } : { ...now, background: color }
    } else now = withCode(now, code)
  }
  return now
}

function withCode(style: AnsiStyle, code: number): AnsiStyle {
  if (code === 0) return PLAIN
  if (code === 1) return { ...style, bold: true }
  if (code === 2) return { ...style, dim: true }
  if (code === 3) return { ...style, italic: true }
  if (code === 4 || code === 21) return { ...style, underline: true }
  if (code === 7) return { ...style, inverse: true }
  if (code === 9) return { ...style, strike: true }
  if (code === 22) return { ...style, bold: false, dim: false }
  if (code === 23) return { ...style, italic: false }
  if (code === 24) return { ...style, underline: false }
  if (code === 27) return { ...style, inverse: false }
  if (code === 29) return { ...style, strike: false }
  if (code >= 30 && code <= 37) return { ...style, color: `ansi${code - 30}` }
  if (code === 39) return { ...style, color: null }
  if (code >= 40 && code <= 47) return { ...style, background: `ansi${code - 40}` }
  if (code === 49) return { ...style, background: null }
  if (code >= 90 && code <= 97) return { ...style, color: `ansi${code - 82}` }
  if (code >= 100 && code <= 107) return { ...style, background: `ansi${code - 92}` }
  return style
}

/** The colour after 38 or 48, and how many codes it took. */
function extendedColor(codes: readonly number[], at: number): [string | null, number] {
  if (codes[at] === 5) return [paletteColor(codes[at + 1] ?? -1), 2]
  if (codes[at] === 2) {
    const parts = codes.slice(at + 1, at + 4)
    const good = parts.length === 3 && parts.every((each) => each >= 0 && each <= 255)
    return [good ? `#${parts.map(hex).join('')}` : null, 4]
  }
  return [null, 1]
}

/** One of the 256 colours: 16 named ones, a cube of 6 × 6 × 6, 24 greys. */
function paletteColor(index: number): string | null {
  if (!(index >= 0 && index <= 255)) return null
  if (index < 16) return `ansi${index}`
  if (index >= 232) return `#${hex(8 + 10 * (index - 232)).repeat(3)}`
  const steps = [0, 95, 135, 175, 215, 255]
  const cube = index - 16
  return `#${[Math.floor(cube / 36), Math.floor(cube / 6) % 6, cube % 6].map((each) => hex(steps[each] ?? 0)).join('')}`
}

function hex(value: number): string {
  return Math.round(value).toString(16).padStart(2, '0')
}
