import { expect, it } from 'vitest'
import { highlightedLines } from './highlight'
import { isColourable, languageOf, plainLines } from './source_lines'

const SOURCE = 'def f(x):\n    """two\n    lines"""\n    return "<b>" + x  # end\n'

it('gives the source back, line by line, with kinds', () => {
  const lines = highlightedLines(SOURCE, 'python')
  expect(lines.map((line) => line.map((token) => token.text).join('')).join('\n')).toBe(SOURCE)
  expect(lines[0]?.[0]).toEqual({ text: 'def', kind: 'keyword' })
  expect(lines[2]).toEqual([{ text: '    lines"""', kind: 'string' }])
})

it('knows languages by name, and names that objects have anyway are none', () => {
  expect(languageOf('src/train.PY')).toBe('python')
  expect(languageOf('docker/Dockerfile')).toBe('dockerfile')
  expect(languageOf('constructor')).toBe(null)
  expect(languageOf('a.toString')).toBe(null)
})

it('cuts lines of all systems, and leaves long ones plain', () => {
  expect(plainLines('a\r\nb\rc\n').map((line) => line[0]?.text)).toEqual(['a', 'b', 'c'])
  expect(isColourable('x'.repeat(10_000))).toBe(false)
})
