import { describe, expect, it } from 'vitest'
import { LogReader, type ReadPart } from './log_reader'

function log(text: string): { read: ReadPart; all: Uint8Array } {
  const all = new TextEncoder().encode(text)
  const read: ReadPart = async (start, length) => ({
    start,
    bytes: all.slice(start, start + length),
    size: all.length,
  })
  return { read, all }
}

const LINES = Array.from({ length: 100_000 }, (_, index) => `line ${index} of the log\n`).join('')

describe('reading a log', () => {
  it('opens at the end and reads back to the start, each line once', async () => {
    const { read, all } = log(LINES)
    const reader = new LogReader(read)
    await reader.open('end', all.length)
    expect(reader.state.window.end).toBe(all.length)
    while (reader.state.window.start > 0) await reader.before()
    const { window } = reader.state
    expect(window.lineCount).toBe(100_000)
    expect([window.line(0).text, window.line(99_999).text]).toEqual(['line 0 of the log', 'line 99999 of the log'])
    expect(window.firstLine).toBe(0)
  })

  it('opens in the middle with the wanted byte, and goes on to the end', async () => {
    const { read, all } = log(LINES)
    const reader = new LogReader(read)
    await reader.open(1_000_000, all.length)
    expect(reader.state.window.indexOf(1_000_000)).toBeGreaterThan(0)
    while (reader.state.window.end < all.length) await reader.after()
    expect(reader.state.window.line(reader.state.window.lineCount - 1).text).toBe('line 99999 of the log')
  })

  it('takes up what a live log grows by, and no byte twice', async () => {
    const { read, all } = log('one\ntwo')
    const reader = new LogReader(read)
    await reader.open('end', all.length)
    const more = new TextEncoder().encode('\nthree')
    reader.grown(7, more)
    reader.grown(7, more)
    reader.grown(4, new TextEncoder().encode('two\nthree\nfour'))
    expect(Array.from({ length: 4 }, (_, index) => reader.state.window.line(index).text)).toEqual([
      'one',
      'two',
      'three',
      'four',
    ])
    reader.grown(1000, more)
    expect(reader.state.size).toBe(1006)
    expect(reader.state.window.lineCount).toBe(4)
  })

  it('begins anew where another log has taken its place', async () => {
    const { read, all } = log('old\nlines\n')
    const reader = new LogReader(read)
    await reader.open('end', all.length)
    reader.replaced()
    reader.grown(0, new TextEncoder().encode('new'))
    expect([reader.state.window.lineCount, reader.state.window.line(0).text, reader.state.size]).toEqual([1, 'new', 3])
  })

  it('tells what went wrong, and can go on', async () => {
    let isBroken = true
    const { read, all } = log('text')
    const reader = new LogReader((...args) => (isBroken ? Promise.reject(new Error('gone')) : read(...args)))
    await reader.open(0, all.length)
    expect(reader.state.error?.message).toBe('gone')
    isBroken = false
    await reader.after()
    expect(reader.state.error).toBe(null)
    expect(reader.state.window.line(0).text).toBe('text')
  })
})
