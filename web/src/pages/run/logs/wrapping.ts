/** Long lines in several rows of a fixed number of columns, as a terminal has them. */

/** Columns from one stop of tabs to the next, as in terminals and in CSS. */
const TAB = 8

// Characters that take two columns: East Asian wide and fullwidth ones, and pictures.
const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6]|\p{Extended_Pictographic}/u
const COMBINING = /\p{Mark}|\u200d|\ufe0f/u
// biome-ignore lint/suspicious/noControlCharactersInRegex: all of ASCII but tabs
const PLAIN = /^[\u0000-\u0008\u000a-\u007f]*$/

/** The columns that a text takes. */
export function columnsOf(text: string): number {
  if (PLAIN.test(text)) return text.length
  let columns = 0
  for (const letter of text) {
    if (letter === '\t') columns += TAB - (columns % TAB)
    else if (!COMBINING.test(letter)) columns += WIDE.test(letter) ? 2 : 1
  }
  return columns
}

/** How many rows a text (without escape sequences) takes. */
export function rowsIn(text: string, columns: number): number {
  return Math.max(1, Math.ceil(columnsOf(text) / Math.max(1, columns)))
}

/** Where the rows of lines lie: an index of a line to the rows before it, and back. */
export interface Layout {
  readonly rows: number
  /** The row at which a line begins. */
  readonly rowOf: (line: number) => number
  /** The line that a row belongs to. */
  readonly lineAt: (row: number) => number
}

/** Every line in one row. */
export function plainLayout(lines: number): Layout {
  return { rows: lines, rowOf: (line) => line, lineAt: (row) => row }
}

/** Lines that take several rows each, in segments. */
export function wrappedLayout(segments: readonly Int32Array[]): Layout {
  const lines = segments.reduce((sum, each) => sum + each.length, 0)
  const ends = new Float64Array(lines + 1)
  let at = 0
  for (const each of segments) {
    for (const rows of each) {
      ends[at + 1] = (ends[at] as number) + rows
      at++
    }
  }
  const rowOf = (line: number) => ends[Math.min(Math.max(line, 0), lines)] as number
  return {
    rows: rowOf(lines),
    rowOf,
    lineAt: (row) => {
      let low = 0
      let high = lines
      while (low < high) {
        const middle = (low + high + 1) >> 1
        if ((ends[middle] as number) <= row) low = middle
        else high = middle - 1
      }
      return low
    },
  }
}
