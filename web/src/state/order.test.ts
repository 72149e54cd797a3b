import { describe, expect, it } from 'vitest'
import { formatOrder, orderBy, parseOrder } from './order'

describe('the order of a table', () => {
  it('stands in the address where it is not the usual one', () => {
    expect(parseOrder(null, '-created')).toEqual({ by: 'created', descending: true })
    expect(parseOrder('metrics.a', '-created')).toEqual({ by: 'metrics.a', descending: false })
    expect(formatOrder({ by: 'created', descending: true }, '-created')).toBeNull()
    expect(formatOrder({ by: 'created', descending: false }, '-created')).toBe('created')
  })

  it('turns round when the same head is pressed again', () => {
    const order = orderBy({ by: 'created', descending: true }, 'name', false)
    expect(order).toEqual({ by: 'name', descending: false })
    expect(orderBy(order, 'name', false)).toEqual({ by: 'name', descending: true })
  })
})
