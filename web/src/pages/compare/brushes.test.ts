import { describe, expect, it } from 'vitest'
import { brushBetween, isWanted, readBrush, writeBrush } from './brushes'
import { axisOf, numberAt, placeOn } from './scales'

describe('what is wanted of an axis', () => {
  it('comes back from the address, and nonsense is nothing', () => {
    for (const brush of [
      { kind: 'range', from: -1.5, to: 1e-7 },
      { kind: 'texts', texts: ['a|b', 'c:d', '100%', 'x=y'] },
      { kind: 'texts', texts: [] },
      { kind: 'texts', texts: [''] },
    ] as const) {
      expect(readBrush(writeBrush(brush))).toEqual(brush)
      expect(writeBrush(brush)).not.toContain('=')
    }
    for (const text of [null, '', ':', '1:', '2:1', 'a:b', '|%zz']) expect(readBrush(text)).toBeNull()
  })

  it('is a range of numbers or some texts', () => {
    const range = { kind: 'range', from: 1, to: 2 } as const
    expect([0.9, 1, '1.5', 2, 2.1, null, undefined, 'NaN'].map((cell) => isWanted(cell, range))).toEqual([
      false,
      true,
      true,
      true,
      false,
      false,
      false,
      false,
    ])
    expect(isWanted('adam', { kind: 'texts', texts: ['adam'] })).toBe(true)
    expect(isWanted(undefined, { kind: 'texts', texts: [''] })).toBe(false)
  })

  it('is drawn on an axis', () => {
    const numbers = axisOf([1, 1000], 'auto')
    if (numbers?.kind !== 'number') throw new Error('an axis of numbers')
    expect(numbers.log).toBe(true)
    expect(numberAt(numbers, placeOn(numbers, 10) ?? 0)).toBeCloseTo(10)
    const brush = brushBetween(numbers, 0, placeOn(numbers, 10) ?? 0)
    expect(brush && isWanted(1, brush) && !isWanted(1000, brush)).toBe(true)
    const texts = axisOf(['a', 'b', 'c'])
    expect(texts && brushBetween(texts, 0.4, 1)).toEqual({ kind: 'texts', texts: ['b', 'c'] })
    expect(texts && brushBetween(texts, 0.1, 0.2)).toBeNull()
  })
})
