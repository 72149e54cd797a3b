import { describe, expect, it } from 'vitest'
import { changed, joinList, splitList } from './address'

describe('the address as state', () => {
  it('keeps lists whose items have commas and per cent signs', () => {
    const items = ['metrics.a,b', 'tags.100%', 'params.%2C']
    expect(splitList(joinList(items))).toEqual(items)
    expect(splitList(null)).toEqual([])
  })

  it('changes what is named and leaves the rest', () => {
    expect(changed('?a=1&b=2', { b: null, c: ['x', 'y'] })).toBe('?a=1&c=x%2Cy')
    expect(changed('?a=1', { a: '' })).toBe('')
    expect(changed('', { filter: 'metrics.mse < 0.3 & "ü"' })).toBe('?filter=metrics.mse+%3C+0.3+%26+%22%C3%BC%22')
  })
})
