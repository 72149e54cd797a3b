import { describe, expect, it } from 'vitest'
import { formatAgo, formatBytes, formatDuration, formatNumber, formatValue, toNumber } from './format'

describe('numbers as people read them', () => {
  it('keeps six digits, and says what is no number', () => {
    expect(formatNumber(0.123456789)).toBe('0.123457')
    expect(formatNumber(-1234567)).toBe('−1,234,567')
    expect(formatNumber(1.5e-9)).toBe('1.5e-9')
    expect(formatNumber(12345678.9)).toBe('1.2346e7')
    expect(formatNumber(Number.NaN)).toBe('NaN')
    expect(formatNumber(Number.NEGATIVE_INFINITY)).toBe('−∞')
    expect(formatNumber(0)).toBe('0')
  })

  it('reads what JSON has no number for', () => {
    expect(toNumber('NaN')).toBeNaN()
    expect(toNumber('Infinity')).toBe(Number.POSITIVE_INFINITY)
    expect(toNumber('12')).toBeNull()
    expect(formatValue('Infinity')).toBe('∞')
    expect(formatValue('text')).toBe('text')
    expect(formatValue(null)).toBe('')
    expect(formatValue(false)).toBe('false')
  })

  it('tells durations, sizes and moments', () => {
    expect(formatDuration(0.2512)).toBe('0.25 s')
    expect(formatDuration(59.94)).toBe('59.9 s')
    expect(formatDuration(245)).toBe('4 min 05 s')
    expect(formatDuration(11_220)).toBe('3 h 07 min')
    expect(formatDuration(null)).toBe('')
    expect(formatBytes(999)).toBe('999 B')
    expect(formatBytes(1_234_567)).toBe('1.23 MB')
    expect(formatAgo('2026-11-24T19:00:00.000000Z', Date.parse('2026-11-24T19:05:30Z'))).toBe('5 min ago')
  })
})
