import { describe, expect, it } from 'vitest'
import { held, panned, placeAt, within, zoomed } from './zoom'

const all = { from: 0, to: 100 }

describe('a window of x', () => {
  it('is zoomed around a place in it, or its middle', () => {
    expect(zoomed(all, 0.5, null, false)).toEqual({ from: 25, to: 75 })
    expect(zoomed(all, 0.5, 20, false)).toEqual({ from: 10, to: 60 })
    expect(zoomed(all, 0.5, 500, false)).toEqual({ from: 25, to: 75 })
    const log = zoomed({ from: 1, to: 10_000 }, 0.5, null, true)
    expect(log.from).toBeCloseTo(10)
    expect(log.to).toBeCloseTo(1000)
  })

  it('stops where numbers end', () => {
    let window = { from: 1e9, to: 1e9 + 1 }
    for (let i = 0; i < 100; i++) window = zoomed(window, 0.5, null, false)
    expect(window.from).toBeLessThan(window.to)
  })

  it('is moved, and stays within all that there is', () => {
    expect(panned({ from: 10, to: 20 }, 0.5, false)).toEqual({ from: 15, to: 25 })
    expect(within({ from: -10, to: 20 }, all, false)).toEqual({ from: 0, to: 30 })
    expect(within({ from: 90, to: 110 }, all, false)).toEqual({ from: 80, to: 100 })
    expect(within({ from: -1, to: 101 }, all, false)).toBeNull()
    expect(within({ from: -50, to: 70 }, all, false)).toBeNull()
    expect(within({ from: 3, to: 4 }, null, false)).toEqual({ from: 3, to: 4 })
  })

  it('goes with what two fingers hold', () => {
    expect(held([25, 75], [0, 1], false)).toEqual({ from: 25, to: 75 })
    expect(held([25, 75], [0.25, 0.75], false)).toEqual(all)
    expect(held([25, 75], [0.5, 0.51], false)).toBeNull()
    expect(held([25, 75], [0.8, 0.2], false)).toBeNull()
    expect(placeAt({ from: 1, to: 100 }, 0.5, true)).toBeCloseTo(10)
  })
})
