import { describe, expect, it } from 'vitest'
import { decodeSeries } from './series'

function packed(series: readonly object[], numbers: readonly number[]): ArrayBuffer {
  const json = new TextEncoder().encode(JSON.stringify({ series }))
  const start = Math.ceil((8 + json.length) / 8) * 8
  const buffer = new ArrayBuffer(start + numbers.length * 8)
  const view = new DataView(buffer)
  view.setUint32(0, 0x3153504d, true)
  view.setUint32(4, json.length, true)
  new Uint8Array(buffer, 8, json.length).set(json)
  numbers.forEach((number, index) => {
    view.setFloat64(start + index * 8, number, true)
  })
  return buffer
}

describe('the binary answer of series', () => {
  it('gives exact series and those with bands', () => {
    const [exact, sampled] = decodeSeries(
      packed(
        [
          { run_id: 'a', name: 'ü', column: null, count: 2, total: 2, exact: true },
          { run_id: 'b', name: 'loss', column: 'y', count: 1, total: 900, exact: false },
        ],
        [0, 1, 0.5, Number.NaN, 7, 8, 6, 9],
      ),
    )
    expect([...(exact?.x ?? [])]).toEqual([0, 1])
    expect([...(exact?.y ?? [])]).toEqual([0.5, Number.NaN])
    expect(exact?.min).toBeNull()
    expect(sampled).toMatchObject({ run_id: 'b', column: 'y', total: 900, exact: false })
    expect([sampled?.x[0], sampled?.y[0], sampled?.min?.[0], sampled?.max?.[0]]).toEqual([7, 8, 6, 9])
  })

  it('refuses what is no series, or was cut short', () => {
    expect(() => decodeSeries(new ArrayBuffer(4))).toThrow(/no series/)
    expect(() => decodeSeries(new ArrayBuffer(64))).toThrow(/no series/)
    const whole = packed([{ run_id: 'a', name: 'm', count: 2, total: 2, exact: true }], [1, 2, 3, 4])
    expect(() => decodeSeries(whole.slice(0, whole.byteLength - 8))).toThrow(/no series/)
  })
})
