import { describe, expect, it } from 'vitest'
import { fieldColumn, quoteName, suggest, withCondition } from './filter_words'

const columns = {
  metrics: [
    { name: 'mse', count: 3 },
    { name: 'val/loss', count: 2 },
    { name: 'f1 score', count: 2 },
  ],
  params: [{ name: 'alpha', count: 3 }],
  tags: [{ name: 'stage', count: 1 }],
  properties: [],
}
const at = (text: string, values: readonly string[] = []) => suggest(text, text.length, columns, values)

describe('completion of filters', () => {
  it('begins with what the runs have', () => {
    expect(at('').words.slice(0, 4)).toEqual(['metrics.mse', 'metrics.val/loss', 'metrics."f1 score"', 'params.alpha'])
    expect(at('metrics.v')).toMatchObject({ from: 0, words: ['metrics.val/loss'] })
    expect(at('score').words).toEqual(['metrics."f1 score"'])
    expect(at('metrics."f1').words).toEqual(['metrics."f1 score"'])
    expect(at('stat').words).toEqual(['status'])
  })

  it('goes on with comparisons, values and joins', () => {
    expect(at('metrics.mse ').words).toContain('<=')
    expect(at('status = ').words).toContain('"Completed"')
    expect(at('status in ("Failed", ').words).toContain('"Completed"')
    expect(at('status in ("Failed" ').words).toEqual([',', ')'])
    expect(at('status in ("Failed") ').words).toEqual(['and', 'or'])
    expect(at('status = "Fa')).toMatchObject({ from: 9, words: ['"Failed"'] })
    expect(at('metrics.mse < 0.3 ').words).toEqual(['and', 'or'])
    expect(at('(metrics.mse < 0.3 ').words).toEqual(['and', 'or', ')'])
    expect(at('tags.stage is not null ').words).toEqual(['and', 'or'])
    expect(at('has tags.stage ').words).toEqual(['and', 'or'])
    expect(at('metrics."f1 score" < 0.3 and ta').words.slice(0, 2)).toEqual(['tags.stage', 'target'])
  })

  it('tells which field a value is of, and offers those that runs have', () => {
    expect(at('tags.stage = ', ['prod', 'a"b'])).toMatchObject({ field: 'tags.stage', words: ['"prod"', '"a\\"b"'] })
    expect(at('tags.stage != "pr', ['prod', 'dev']).words).toEqual(['"prod"'])
    expect(at('tags.stage ').field).toBeNull()
    expect(fieldColumn('tags."a b"')).toBe('tags.a b')
    expect(fieldColumn('Status')).toBe('status')
    expect(fieldColumn('tags.')).toBeNull()
    expect(at('created > ').words[0]).toMatch(/^\d{4}-\d\d-\d\d$/)
    expect(at('duration > ').words).toContain('1h')
  })

  it('knows the least and the greatest value of a metric', () => {
    expect(at('mi').words).toContain('min(')
    expect(at('min(').words).toEqual(['metrics.mse', 'metrics.val/loss', 'metrics."f1 score"'])
    expect(at('min(metrics.mse) ').words).toContain('<')
    expect(at('min(metrics.mse) < 1 ').words).toEqual(['and', 'or'])
  })

  it('says nothing of what is whole', () => {
    expect(at('metrics.mse < 0.3 and').words).toEqual([])
  })

  it('quotes odd names and joins conditions', () => {
    expect(quoteName('a"b')).toBe('"a\\"b"')
    expect(quoteName('val/loss-2.x')).toBe('val/loss-2.x')
    expect(quoteName('损失')).toBe('损失')
    expect(withCondition('a = 1 or b = 2', 'c = 3')).toBe('(a = 1 or b = 2) and c = 3')
    expect(withCondition(' ', 'c = 3')).toBe('c = 3')
  })
})
