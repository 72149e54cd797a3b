import { describe, expect, it } from 'vitest'
import { byMetric, type ImageEntry, imageAt, stepsOf } from './steps'

const image = (metric: string, step: number): ImageEntry => ({
  metric,
  step,
  time: '',
  artifact: `${metric}${step}`,
  url: null,
  content_type: null,
  size: null,
  shown: true,
})

describe('images by step', () => {
  it('are found at a step, or before it', () => {
    const list = [image('a', 0), image('a', 5), image('a', 9)]
    expect(imageAt(list, 7)?.step).toBe(5)
    expect(imageAt(list, -3)?.step).toBe(0)
    expect(imageAt([], 1)).toBeNull()
  })

  it('have the steps of all runs', () => {
    expect(
      stepsOf([
        [image('a', 5), image('a', 0)],
        [image('a', 3), image('a', 5)],
      ]),
    ).toEqual([0, 3, 5])
    expect([...byMetric([image('b', 1), image('a', 1), image('b', 2)]).keys()]).toEqual(['b', 'a'])
  })
})
