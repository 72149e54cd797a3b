import { describe, expect, it } from 'vitest'
import { columnLabel, formatWidths, metricColumn, moved, parseWidths, placed, splitColumn, withWidth } from './columns'

describe('columns of the runs table', () => {
  it('reads keys as the API writes them', () => {
    expect(splitColumn('metrics.val/loss')).toEqual({ kind: 'metrics', name: 'val/loss', reduction: 'last' })
    expect(splitColumn('min(metrics.a (b))')).toEqual({ kind: 'metrics', name: 'a (b)', reduction: 'min' })
    expect(splitColumn('tags.a.b')).toEqual({ kind: 'tags', name: 'a.b', reduction: 'last' })
    expect(splitColumn('status')).toBeNull()
    expect(metricColumn('loss', 'max')).toBe('max(metrics.loss)')
    expect(columnLabel('min(metrics.loss)')).toBe('min loss')
  })

  it('moves columns, not past the ends', () => {
    expect(moved(['a', 'b', 'c'], 'a', 1)).toEqual(['b', 'a', 'c'])
    expect(moved(['a', 'b', 'c'], 'a', -1)).toEqual(['a', 'b', 'c'])
    expect(moved(['a', 'b', 'c'], 'x', 1)).toEqual(['a', 'b', 'c'])
    expect(placed(['a', 'b', 'c'], 'a', 2)).toEqual(['b', 'c', 'a'])
  })

  it('keeps widths in the address, whatever the names', () => {
    const widths = withWidth(withWidth(new Map(), 'metrics.a:b', 120.4), 'status', 5)
    expect(formatWidths(widths)).toEqual(['metrics.a:b:120', 'status:60'])
    expect(parseWidths(['metrics.a:b:120', 'status:60', 'x:99999', 'nothing', 'y:z'])).toEqual(widths)
    expect(withWidth(widths, 'status', null).has('status')).toBe(false)
  })
})
