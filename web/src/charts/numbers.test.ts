import { describe, expect, it } from 'vitest'
import { colourOf, dashOf, palette } from './colours'
import { csvCell, linesAsCsv } from './export_csv'
import { xmlText } from './export_svg'
import { formatDuration, formatNumber, formatTicks } from './format'
import { lowerBound, nearest } from './search'
import { movingAverage, smoothed, windowMean } from './smoothing'
import { ticks, xTicks } from './ticks'
import type { Line } from './types'

const of = (...values: number[]) => Float64Array.from(values)

describe('smoothing', () => {
  it('begins with the first value and keeps gaps', () => {
    const out = movingAverage(of(4, Number.NaN, 4, 8), 0.5)
    expect(out[0]).toBe(4)
    expect(out[1]).toBeNaN()
    expect(out[2]).toBeCloseTo(4)
    expect(out[3]).toBeCloseTo((4 * 0.25 * 0.5 + 4 * 0.5 * 0.5 + 8 * 0.5) / (1 - 0.125))
  })

  it('means a window around each point, shorter at the ends', () => {
    expect([...windowMean(of(1, 2, 3, 10), 3)]).toEqual([1.5, 2, 5, 6.5])
    expect([...windowMean(of(1, Number.NaN, 3), 3)]).toEqual([1, Number.NaN, 3])
    expect(windowMean(of(1e15, 1e15 + 2, 1e15 + 4), 3)[1]).toBe(1e15 + 2)
  })

  it('gives nothing where nothing is asked', () => {
    expect(smoothed(of(1), { kind: 'none', amount: 3 })).toBeNull()
    expect(smoothed(of(1), { kind: 'window', amount: 1 })).toBeNull()
  })
})

describe('places in x', () => {
  it('finds the first not below, and the nearest', () => {
    const x = of(0, 1, 1, 5)
    expect(lowerBound(x, 1)).toBe(1)
    expect(lowerBound(x, 6)).toBe(4)
    expect(nearest(x, 2.9)).toBe(2)
    expect(nearest(x, 99)).toBe(3)
    expect(nearest(of(), 1)).toBe(-1)
  })
})

describe('numbers as text', () => {
  it('is short and tells what it is', () => {
    expect(formatNumber(0.1)).toBe('0.1')
    expect(formatNumber(1234567)).toBe('1234567')
    expect(formatNumber(-0.000012345)).toBe('−1.2345e-5')
    expect(formatNumber(Number.NaN)).toBe('NaN')
    expect(formatNumber(123456.789)).toBe('123457')
    expect(formatDuration(3725)).toBe('1 h 02 m')
    expect(formatDuration(0.0125)).toBe('12.5 ms')
    expect(formatTicks([0.1234, 0.1235, 0.1236])).toEqual(['0.1234', '0.1235', '0.1236'])
  })
})

describe('ticks', () => {
  it('are round', () => {
    expect(ticks(0, 10, 5, false)).toEqual([0, 2, 4, 6, 8, 10])
    expect(ticks(0.001, 1000, 8, true)).toEqual([0.001, 0.01, 0.1, 1, 10, 100, 1000])
    expect(ticks(3, 3, 5, false)).toEqual([3])
  })

  it('of steps are whole, of durations multiples of clock units', () => {
    expect(xTicks('step', 0, 3, 8, false).at).toEqual([0, 1, 2, 3])
    expect(xTicks('relative', 0, 600, 6, false).labels).toContain('2 m')
  })

  it('end, whatever the range', () => {
    for (const [from, to] of [
      [0, Number.MIN_VALUE],
      [-1e308, 1e308],
      [1e15, 1e15 + 1],
      [0, 1e12],
    ] as const) {
      for (const kind of ['step', 'time', 'relative', 'number'] as const) {
        expect(xTicks(kind, from, to, 6, false).at.length).toBeLessThan(200)
      }
    }
  })
})

describe('colours', () => {
  it('begin again with another dash', () => {
    expect(palette(false)).toHaveLength(palette(true).length)
    expect(colourOf(9, false)).toBe(colourOf(1, false))
    expect(dashOf(1)).toEqual([])
    expect(dashOf(9)).not.toEqual([])
  })

  it('stand out from their background', () => {
    const light = (hex: string) => {
      const [r = 0, g = 0, b = 0] = [1, 3, 5]
        .map((at) => Number.parseInt(hex.slice(at, at + 2), 16) / 255)
        .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4))
      return 0.2126 * r + 0.7152 * g + 0.0722 * b
    }
    const contrast = (a: number, b: number) => (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05)
    for (const colour of palette(false)) expect(contrast(light(colour), 1)).toBeGreaterThan(3)
    for (const colour of palette(true)) expect(contrast(light(colour), light('#1a1b1e'))).toBeGreaterThan(3)
  })
})

describe('files', () => {
  const line: Line = {
    id: 'a',
    label: '=SUM(A1)',
    slot: 0,
    x: of(0, 1),
    y: of(1, Number.NaN),
    exact: true,
    total: 2,
  }

  it('hold no formula that a spreadsheet would run', () => {
    expect(csvCell('@x')).toBe("'@x")
    expect(csvCell('a,"b"')).toBe('"a,""b"""')
    expect(linesAsCsv([line], 'step')).toBe("line,step,value\r\n'=SUM(A1),0,1\r\n'=SUM(A1),1,NaN\r\n")
  })

  it('hold no markup of names', () => {
    expect(xmlText('<script>&\u0000')).toBe('&#60;script&#62;&#38;')
  })
})
