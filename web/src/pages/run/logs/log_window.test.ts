import { describe, expect, it } from 'vitest'
import { LONGEST_LINE, LogWindow } from './log_window'

const bytes = (text: string) => new TextEncoder().encode(text)

function texts(window: LogWindow): string[] {
  return Array.from({ length: window.lineCount }, (_, index) => window.line(index).text)
}

describe('the part of a log that is held', () => {
  it('cuts lines and joins what comes in pieces', () => {
    let window = LogWindow.at(0)
    for (const piece of ['one\ntw', 'o\r\n', '', 'thr', 'ee']) window = window.append(bytes(piece))
    expect(texts(window)).toEqual(['one', 'two', 'three'])
    expect(window.end).toBe(14)
    expect(window.firstLine).toBe(0)
    expect(texts(window.append(bytes('\n\nfour')))).toEqual(['one', 'two', 'three', '', 'four'])
  })

  it('does not break characters of several bytes that come in pieces', () => {
    const all = bytes('ä€😀\n')
    let window = LogWindow.at(0)
    for (const byte of all) window = window.append(Uint8Array.of(byte))
    expect(texts(window)).toEqual(['ä€😀'])
  })

  it('shows the last state of a progress bar', () => {
    expect(texts(LogWindow.at(0).append(bytes('0%\r50%\r100%\r\ndone\r')))).toEqual(['100%', 'done'])
  })

  it('begins with a whole line where it was opened in the middle', () => {
    const window = LogWindow.at(100).append(bytes('half\nwhole\nnext'))
    expect(texts(window)).toEqual(['whole', 'next'])
    expect(window.start).toBe(105)
    expect(window.firstLine).toBe(null)
  })

  it('grows backwards to the start, and then knows the numbers of lines', () => {
    const all = bytes(Array.from({ length: 1000 }, (_, index) => `line ${index}\n`).join(''))
    let window = LogWindow.at(5000).append(all.subarray(5000))
    while (window.start > 0) {
      const from = Math.max(0, window.start - 700)
      window = window.prepend(all.subarray(from, window.start))
    }
    expect(texts(window)).toEqual(Array.from({ length: 1000 }, (_, index) => `line ${index}`))
    expect(window.firstLine).toBe(0)
  })

  it('shows long lines in pieces, without loss', () => {
    const long = '€'.repeat(20_000)
    const window = LogWindow.at(0).append(bytes(`${long}\nend`))
    const shown = texts(window)
    expect(shown.slice(0, -1).join('')).toBe(long)
    expect(shown.at(-1)).toBe('end')
    for (const each of shown) expect(bytes(each).length).toBeLessThanOrEqual(LONGEST_LINE + 3)
  })

  it('takes bounded memory, and finds a byte again', () => {
    let window = LogWindow.at(0)
    const piece = bytes(`${'x'.repeat(99)}\n`.repeat(10_000))
    for (let index = 0; index < 30; index++) window = window.append(piece)
    expect(window.end).toBe(30_000_000)
    expect(window.end - window.start).toBeLessThanOrEqual(8 << 20)
    expect(window.firstLine).toBe(window.start / 100)
    const index = window.indexOf(29_000_050)
    expect(window.line(index).start).toBe(29_000_000)
    expect(window.indexOf(5)).toBe(-1)
  })

  it('takes bounded memory for empty lines', () => {
    let window = LogWindow.at(0)
    for (let index = 0; index < 10; index++) window = window.append(bytes('\n'.repeat(200_000)))
    expect(window.lineCount).toBeLessThanOrEqual(600_000)
  })

  it('lets the end go when it grows backwards', () => {
    let window = LogWindow.at(20_000_000)
    const piece = bytes(`${'x'.repeat(99)}\n`.repeat(5000))
    for (let index = 0; index < 30; index++) window = window.prepend(piece)
    expect(window.end - window.start).toBeLessThanOrEqual(8 << 20)
    expect(window.end).toBeLessThan(20_000_000)
  })

  it('numbers lines, not the pieces of long ones, from wherever a number is known', () => {
    const long = 'x'.repeat(2.5 * LONGEST_LINE)
    const all = bytes(`one\n${long}\nthree\n${long}${long}\nfive\n`)
    const numbers = (window: LogWindow) =>
      Array.from({ length: window.lineCount }, (_, index) => window.line(index)).flatMap(({ number, text }) =>
        text.startsWith('x') ? [] : [number],
      )
    expect(numbers(LogWindow.at(0).append(all))).toEqual([1, 3, 5])
    let window = LogWindow.at(0)
    for (let at = 0; at < all.length; at += 1000) window = window.append(all.subarray(at, at + 1000))
    expect(numbers(window)).toEqual([1, 3, 5])
    const from = all.lastIndexOf(10, all.length - 2) - 100
    const opened = LogWindow.at(from).append(all.subarray(from))
    expect(opened.firstLine).toBeNull()
    expect(opened.numbered(all.length - 2, 5).line(opened.lineCount - 1)).toMatchObject({ number: 5, text: 'five' })
    expect(opened.numbered(3, 5)).toBe(opened)
  })
})
