import { describe, expect, it } from 'vitest'
import { LogWindow } from './log_window'
import { columnsOf, rowsIn, wrappedLayout } from './wrapping'

describe('lines in several rows', () => {
  it('take the columns that a terminal gives them', () => {
    expect(columnsOf('plain text')).toBe(10)
    expect(columnsOf('a\tb')).toBe(9)
    expect(columnsOf('日本')).toBe(4)
    expect(columnsOf('é')).toBe(1)
    expect(rowsIn('', 10)).toBe(1)
    expect(rowsIn('x'.repeat(10), 10)).toBe(1)
    expect(rowsIn('x'.repeat(11), 10)).toBe(2)
  })

  it('are found by their rows, and the other way', () => {
    const text = ['short', 'y'.repeat(25), '', 'z'.repeat(10)].map((line) => `${line}\n`).join('')
    const window = LogWindow.at(0).append(new TextEncoder().encode(text))
    const layout = wrappedLayout(window.rows(10))
    expect(layout.rows).toBe(6)
    expect([0, 1, 2, 3, 4].map(layout.rowOf)).toEqual([0, 1, 4, 5, 6])
    expect([0, 1, 2, 3, 4, 5].map(layout.lineAt)).toEqual([0, 1, 1, 1, 2, 3])
  })

  it('do not count what is no text: colours and what a progress bar has overwritten', () => {
    const text = `\u001b[31mred\u001b[0m\n${'#'.repeat(50)}\rdone\n`
    const window = LogWindow.at(0).append(new TextEncoder().encode(text))
    expect(wrappedLayout(window.rows(10)).rows).toBe(2)
  })
})
