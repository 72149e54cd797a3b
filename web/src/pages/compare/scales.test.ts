import { describe, expect, it } from 'vitest'
import { asNumber, axisOf, placeOn, ticksBetween } from './scales'

describe('axes of compared values', () => {
  it('takes numbers written as texts for numbers, and mixed values for texts', () => {
    expect(axisOf(['0.1', '10', null, 'NaN'])?.kind).toBe('number')
    expect(axisOf(['0.1', 'adam'])?.kind).toBe('text')
    expect(axisOf([null, undefined])).toBe(null)
    expect(asNumber('')).toBe(null)
  })

  it('places all that is there within the axis', () => {
    for (const cells of [
      [3, 5, 9],
      [7, 7],
      [0, 0],
      [-1e300, 1e300],
      ['b', 'a'],
    ]) {
      const axis = axisOf(cells)
      if (!axis) throw new Error('no axis')
      for (const cell of cells) {
        const place = placeOn(axis, cell)
        expect(place).toBeGreaterThanOrEqual(0)
        expect(place).toBeLessThanOrEqual(1)
      }
      expect(placeOn(axis, null)).toBe(null)
    }
  })

  it('has round ticks', () => {
    expect(ticksBetween(0.05, 1.02)).toEqual([0.2, 0.4, 0.6, 0.8, 1])
    expect(ticksBetween(3, 3)).toEqual([3])
  })
})
