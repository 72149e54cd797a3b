import { describe, expect, it } from 'vitest'
import { progressWords } from './progress_words'

describe('the progress in words', () => {
  it('tells what is done, and how long the rest may take', () => {
    expect(progressWords(40, 100, 199.6)).toBe('40 of 100, about 3 min 20 s left')
    expect(progressWords(1_200_000, 2_000_000, 12.3)).toBe('1,200,000 of 2,000,000, about 12 s left')
    expect(progressWords(0.25, 1, null)).toBe('0.25 of 1')
  })

  it('promises no time where there is none left', () => {
    expect(progressWords(99, 100, 0)).toBe('99 of 100, almost done')
    expect(progressWords(100, 100, 0)).toBe('100 of 100')
  })
})
