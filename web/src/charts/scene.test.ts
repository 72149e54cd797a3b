import { describe, expect, it } from 'vitest'
import { sceneAsSvg } from './export_svg'
import { byDistance, readingsAt } from './readings'
import { hiddenByLog, sceneOf } from './scene'
import { type Pen, trace, traceBand } from './trace'
import { type Line, NO_SMOOTHING, type View } from './types'

const of = (...values: number[]) => Float64Array.from(values)
const line = (x: Float64Array, y: Float64Array, more: Partial<Line> = {}): Line => ({
  id: 'a',
  label: 'a',
  slot: 0,
  x,
  y,
  exact: true,
  total: x.length,
  ...more,
})
const view: View = { xKind: 'step', logX: false, logY: false, smoothing: NO_SMOOTHING, window: null }
const plain = { x: (v: number) => v, y: (v: number) => v, logX: false, logY: false }

class Told implements Pen {
  text = ''
  moveTo(x: number, y: number): void {
    this.text += `M${x},${y} `
  }
  lineTo(x: number, y: number): void {
    this.text += `L${x},${y} `
  }
  dot(x: number, y: number): void {
    this.text += `D${x},${y} `
  }
}

describe('a line', () => {
  it('has gaps where there is no number, and a dot for a value alone', () => {
    const pen = new Told()
    const y = of(1, 2, Number.NaN, 4, Number.NaN, 6, 7)
    trace(pen, of(0, 1, 2, 3, 4, 5, 6), y, { start: 0, stop: 7 }, plain, 'line')
    expect(pen.text).toBe('M0,1 L1,2 M3,4 D3,4 M5,6 L6,7 ')
  })

  it('leaves out what a logarithm has not', () => {
    const pen = new Told()
    trace(pen, of(1, 2, 3), of(1, 0, 5), { start: 0, stop: 3 }, { ...plain, logY: true }, 'marked')
    expect(pen.text).toBe('D1,1 M1,1 D3,5 M3,5 ')
  })

  it('has a band that reaches its spikes', () => {
    const pen = new Told()
    const banded = line(of(0, 1), of(1, 1), { low: of(0, -9), high: of(2, 9), exact: false })
    traceBand(pen, banded, { start: 0, stop: 2 }, plain, 0)
    expect(pen.text).toBe('M0,2 L1,9 L1,-9 L0,0 ')
  })
})

describe('a scene', () => {
  it('has room for bands, not for what lies outside the window', () => {
    const lines = [line(of(0, 1, 2, 3), of(0, 1, 1, 500), { low: of(0, -3, 1, 500), high: of(0, 4, 1, 500) })]
    const scene = sceneOf(lines, { ...view, window: { from: 0.5, to: 2.5 } })
    expect(scene.x).toEqual({ from: 0.5, to: 2.5 })
    expect(scene.y.from).toBeLessThan(-3)
    expect(scene.y.to).toBeGreaterThan(4)
    expect(scene.y.to).toBeLessThan(10)
  })

  it('stays linear where a logarithm shows nothing', () => {
    const scene = sceneOf([line(of(0, 1), of(-1, 0))], { ...view, logY: true })
    expect(scene.logY).toBe(false)
    const some = sceneOf([line(of(0, 1), of(0, 10))], { ...view, logY: true })
    expect(some.logY).toBe(true)
    expect(hiddenByLog(some)).toBe(1)
  })

  it('is there for no values, one value, and values without number', () => {
    for (const lines of [
      [],
      [line(of(), of())],
      [line(of(5), of(5))],
      [line(of(0, 1), of(Number.NaN, Number.NaN))],
      [line(of(0, 1), of(-Number.MAX_VALUE, Number.MAX_VALUE))],
    ]) {
      const scene = sceneOf(lines, view)
      for (const end of [scene.x.from, scene.x.to, scene.y.from, scene.y.to]) expect(end).toSatisfy(Number.isFinite)
      expect(scene.x.from).toBeLessThan(scene.x.to)
      expect(scene.y.from).toBeLessThan(scene.y.to)
      expect(sceneAsSvg(scene, { title: '<b>', x: 'step', xKind: 'step' }, false)).not.toMatch(/<b>/)
    }
  })

  it('reads each line at the crosshair, nearest first', () => {
    const scene = sceneOf([line(of(0, 1), of(1, 2)), line(of(0, 1), of(9, 10), { id: 'b' })], view)
    const found = byDistance(readingsAt(scene, 0.9), 9, false)
    expect(found.map((reading) => [reading.line.id, reading.y])).toEqual([
      ['b', 10],
      ['a', 2],
    ])
    expect(readingsAt(scene, null).map((reading) => reading.y)).toEqual([2, 10])
  })
})
