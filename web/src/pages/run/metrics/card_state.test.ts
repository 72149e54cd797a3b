import { describe, expect, it } from 'vitest'
import { cardId, valueFor, withValue } from './card_state'

describe('what the address holds of single cards', () => {
  it('is found by kind and name, whatever the name', () => {
    const card = cardId({ kind: 'table', name: 'a=b/c' })
    const list = withValue(withValue([], 'table:a', 'table'), card, '0.5:2')
    expect(valueFor(list, card)).toBe('0.5:2')
    expect(valueFor(list, 'table:a')).toBe('table')
    expect(valueFor(list, 'table:x')).toBeNull()
    expect(withValue(list, card, null)).toEqual(['table:a=table'])
    expect(withValue(list, card, '1:2')).toEqual(['table:a=table', 'table:a=b/c=1:2'])
  })
})
