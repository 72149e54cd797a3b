import { describe, expect, it } from 'vitest'
import type { Metric } from '../../../api/types'
import { arrange, cardKind, gridRows } from './arrange'
import { readSmoothing, readSpan, writeSmoothing, writeSpan } from './settings'

function metric(name: string, more: Partial<Metric> = {}): Metric {
  return {
    name,
    kind: 'series',
    description: '',
    namespace: '',
    count: 10,
    first: 0,
    last: 1,
    min: 0,
    max: 1,
    nan_count: 0,
    first_step: 0,
    last_step: 9,
    first_time: null,
    last_time: null,
    columns: [''],
    is_list: false,
    ...more,
  }
}

describe('metrics by their kind', () => {
  it('shows vectors and lists as lines, single values and texts as tiles, and images elsewhere', () => {
    expect(cardKind(metric('a'))).toBe('line')
    expect(cardKind(metric('a', { count: 1 }))).toBe('tile')
    expect(cardKind(metric('a', { count: 1, is_list: true }))).toBe('line')
    expect(cardKind(metric('a', { min: null, max: null, last: 'text' }))).toBe('tile')
    expect(cardKind(metric('a', { min: null, max: null, nan_count: 10 }))).toBe('line')
    expect(cardKind(metric('a', { kind: 'table' }))).toBe('table')
    expect(cardKind(metric('a', { kind: 'confusion_matrix' }))).toBe('structured')
    expect(cardKind(metric('a', { kind: 'image' }))).toBeNull()
  })

  it('groups by prefix and finds all words', () => {
    const groups = arrange([metric('train/loss'), metric('mse'), metric('val/loss'), metric('train/acc')], '')
    expect(groups.map(({ name, cards }) => [name, cards.length])).toEqual([
      ['', 1],
      ['train', 2],
      ['val', 1],
    ])
    expect(arrange([metric('train/Loss'), metric('val/loss')], 'loss TRAIN')).toHaveLength(1)
  })

  it('makes rows of tiles and of charts', () => {
    const groups = arrange([metric('a'), metric('b', { count: 1 }), metric('c'), metric('d'), metric('x/e')], '')
    const rows = gridRows(groups, new Set(['x']), { tiles: 4, cards: 2 })
    expect(rows.map((row) => row.kind)).toEqual(['group', 'tiles', 'cards', 'cards', 'group'])
  })
})

describe('settings in the address', () => {
  it('come back, and nonsense is none', () => {
    expect(readSmoothing(writeSmoothing({ kind: 'ema', amount: 0.6 }))).toEqual({ kind: 'ema', amount: 0.6 })
    expect(readSmoothing('ema:7').kind).toBe('none')
    expect(readSpan(writeSpan({ from: -1.5, to: 1e12 }))).toEqual({ from: -1.5, to: 1e12 })
    for (const text of [null, '', ':', '1:', '2:1', 'a:b', '1:2:3']) expect(readSpan(text)).toBeNull()
  })
})
