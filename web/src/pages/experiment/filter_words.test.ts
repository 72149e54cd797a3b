import { describe, expect, it } from 'vitest'
import { quoteName, suggest, withCondition } from './filter_words'

const columns = {
  metrics: [
    { name: 'mse', count: 3 },
    { name: 'val/loss', count: 2 },
  ],
  params: [{ name: 'alpha', count: 3 }],
  tags: [{ name: 'stage', count: 1 }],
  properties: [],
}
const at = (text: string) => suggest(text, text.length, columns)

describe('completion of filters', () => {
  it('begins with what the runs have', () => {
    expect(at('').words.slice(0, 4)).toEqual(['metrics.mse', 'metrics."val/loss"', 'params.alpha', 'tags.stage'])
    expect(at('metrics.')).toMatchObject({ from: 0, words: ['metrics.mse', 'metrics."val/loss"'] })
    expect(at('loss').words).toEqual(['metrics."val/loss"'])
    expect(at('stat').words).toEqual(['status'])
  })

  it('goes on with comparisons, values and joins', () => {
    expect(at('metrics.mse ').words).toContain('<=')
    expect(at('status = ').words).toContain('"Completed"')
    expect(at('status in ("Failed", ').words).toContain('"Completed"')
    expect(at('status = "Fa')).toMatchObject({ from: 9, words: ['"Failed"'] })
    expect(at('metrics.mse < 0.3 ').words).toEqual(['and', 'or'])
    expect(at('metrics."val/loss" < 0.3 and ta').words.slice(0, 2)).toEqual(['tags.stage', 'target'])
  })

  it('says nothing of what is whole', () => {
    expect(at('metrics.mse < 0.3 and').words).toEqual([])
  })

  it('quotes odd names and joins conditions', () => {
    expect(quoteName('a"b')).toBe('"a\\"b"')
    expect(withCondition('a = 1 or b = 2', 'c = 3')).toBe('(a = 1 or b = 2) and c = 3')
    expect(withCondition(' ', 'c = 3')).toBe('c = 3')
  })
})
