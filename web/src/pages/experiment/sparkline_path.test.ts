import { describe, expect, it } from 'vitest'
import { sparklinePath } from './sparkline_path'

const draw = (x: number[], y: number[]) => sparklinePath(new Float64Array(x), new Float64Array(y), 10, 10)

describe('small charts', () => {
  it('fills its box', () => {
    expect(draw([0, 1, 2], [5, 15, 10])).toBe('M0.0 10.0L5.0 0.0L10.0 5.0')
  })

  it('leaves gaps where there is no number', () => {
    expect(draw([0, 1, 2, 3], [0, Number.NaN, 1, 0])).toBe('M0.0 10.0M6.7 0.0L10.0 10.0')
  })

  it('draws a level line in the middle, and nothing for one point', () => {
    expect(draw([0, 1], [3, 3])).toBe('M0.0 5.0L10.0 5.0')
    expect(draw([0], [3])).toBe('')
    expect(draw([], [])).toBe('')
  })
})
