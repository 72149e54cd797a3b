import { describe, expect, it } from 'vitest'
import { isSlowAfter, type Transfer } from './link'

const transfer = (bytes: number, ms: number): Transfer => ({
  encodedBodySize: bytes,
  responseStart: 1000,
  responseEnd: 1000 + ms,
})

describe('the speed of the link', () => {
  it('is told by large answers: 8 MB within 100 ms are from this machine, within 700 ms they are not', () => {
    expect(isSlowAfter([transfer(8e6, 100)], false)).toBe(false)
    expect(isSlowAfter([transfer(8e6, 700)], false)).toBe(true)
    expect(isSlowAfter([transfer(50_000, 700)], false)).toBe(false)
  })

  it('does not swing to and fro', () => {
    expect(isSlowAfter([transfer(8e6, 300)], false)).toBe(false)
    expect(isSlowAfter([transfer(8e6, 300)], true)).toBe(true)
    expect(isSlowAfter([transfer(8e6, 100)], true)).toBe(false)
  })
})
