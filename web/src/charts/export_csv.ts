import type { Line } from './types'

/** A text as a cell that no spreadsheet takes for a formula. */
export function csvCell(text: string): string {
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}

/** The points that are drawn, one a row; with the band's ends where not every point is drawn. */
export function linesAsCsv(lines: readonly Line[], xName: string): string {
  const banded = lines.some((line) => line.low && line.high)
  const rows = [['line', csvCell(xName), 'value', ...(banded ? ['min', 'max'] : [])].join(',')]
  for (const line of lines) {
    const label = csvCell(line.label)
    for (let i = 0; i < line.x.length; i++) {
      const ends = banded ? `,${line.low?.[i] ?? line.y[i]},${line.high?.[i] ?? line.y[i]}` : ''
      rows.push(`${label},${line.x[i]},${line.y[i]}${ends}`)
    }
  }
  return `${rows.join('\r\n')}\r\n`
}
