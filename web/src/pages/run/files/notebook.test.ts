import { describe, expect, it } from 'vitest'
import { readNotebook } from './notebook'

const cell = (outputs: unknown[]) => ({ cell_type: 'code', execution_count: 3, source: ['a = 1\n', 'a'], outputs })

describe('a notebook', () => {
  it('has cells with what they gave; markup is never taken', () => {
    const text = JSON.stringify({
      metadata: { kernelspec: { language: 'python' } },
      cells: [
        { cell_type: 'markdown', source: '# Title' },
        cell([
          { output_type: 'stream', name: 'stdout', text: ['one\n', 'two'] },
          { output_type: 'execute_result', data: { 'text/html': '<script>', 'text/plain': '<b>1</b>' } },
          { output_type: 'display_data', data: { 'image/png': 'iVBO\nRw==', 'text/plain': '<Figure>' } },
          { output_type: 'display_data', data: { 'image/svg+xml': '<svg onload="x">' } },
          { output_type: 'error', ename: 'E', evalue: 'v', traceback: ['line 1', 'line 2'] },
        ]),
      ],
    })
    const notebook = readNotebook(text)
    expect(notebook?.language).toBe('python')
    expect(notebook?.cells[0]).toMatchObject({ kind: 'markdown', source: '# Title', outputs: [] })
    expect(notebook?.cells[1]).toMatchObject({ kind: 'code', source: 'a = 1\na', count: 3 })
    expect(notebook?.cells[1]?.outputs).toEqual([
      { kind: 'text', text: 'one\ntwo' },
      { kind: 'text', text: '<b>1</b>' },
      { kind: 'image', type: 'image/png', data: 'iVBORw==' },
      { kind: 'other', types: ['image/svg+xml'] },
      { kind: 'error', text: 'line 1\nline 2' },
    ])
  })

  it('is none where its parts are not what they should be', () => {
    for (const text of ['', '[]', '{}', '{"cells": 1}', 'null', '{"worksheets": [1, {"cells": {}}]}']) {
      const notebook = readNotebook(text)
      expect(notebook === null || notebook.cells.length === 0).toBe(true)
    }
    expect(readNotebook('{"cells": [1, null, {"source": 5, "outputs": [7, {}]}]}')?.cells).toHaveLength(1)
  })
})
