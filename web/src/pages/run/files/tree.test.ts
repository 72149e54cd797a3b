import { describe, expect, it } from 'vitest'
import { buildTree, foldersAbove, openAtFirst, visibleRows } from './tree'

const ENTRIES = ['outputs/b/file10.txt', 'outputs/b/file2.txt', 'outputs/a.txt', 'top.txt', '__proto__/x'].map(
  (name, index) => ({ name, size: index + 1 }),
)

describe('a tree of files', () => {
  it('shows folders first, in the order of people', () => {
    const rows = visibleRows(buildTree(ENTRIES), openAtFirst(ENTRIES))
    expect(rows.map((row) => `${' '.repeat(row.depth)}${row.label}`)).toEqual([
      '__proto__',
      ' x',
      'outputs',
      ' b',
      '  file2.txt',
      '  file10.txt',
      ' a.txt',
      'top.txt',
    ])
  })

  it('sums what is below a folder, open or not', () => {
    const rows = visibleRows(buildTree(ENTRIES), new Set())
    expect(rows.map((row) => [row.path, row.files, row.bytes])).toEqual([
      ['__proto__/', 1, 5],
      ['outputs/', 3, 6],
      ['top.txt', 1, 4],
    ])
  })

  it('knows what must be open', () => {
    expect(foldersAbove('a/b/c.txt')).toEqual(['a/', 'a/b/'])
  })
})
