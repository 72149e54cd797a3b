import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Pace, pause } from './pace'
import type { Change } from './protocol'

const metrics = (...run_ids: string[]): Change => ({ kind: 'metrics', run_ids, version: run_ids.join() })

/** How often each is told within 10 s, changes coming every 100 ms, where it takes so many ms to draw them. */
async function told(drawing: number): Promise<{ times: number; ids: string[][] }> {
  const pace = new Pace(() => pause(drawing))
  const ids: string[][] = []
  const listener = (change: Change) => void ids.push([...change.run_ids])
  for (let at = 0; at < 100; at++) {
    pace.tell(listener, metrics(at % 2 ? 'a' : 'b'))
    await vi.advanceTimersByTimeAsync(100)
  }
  return { times: ids.length, ids }
}

describe('the pace of a page', () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] }))
  afterEach(() => void vi.useRealTimers())

  it('is once a second, with all that has changed meanwhile, and the first at once', async () => {
    const { times, ids } = await told(10)
    expect([9, 10, 11]).toContain(times)
    expect(ids[0]).toEqual(['b'])
    expect(ids[1]?.sort()).toEqual(['a', 'b'])
  })

  it('is slower where drawing takes long', async () => {
    expect([4, 5]).toContain((await told(500)).times)
  })

  it('tells nothing to who has gone', async () => {
    const pace = new Pace(() => pause(10))
    const listener = vi.fn()
    pace.tell(listener, metrics('a'))
    pace.tell(listener, metrics('a'))
    pace.forget(listener)
    await vi.advanceTimersByTimeAsync(5000)
    expect(listener).toHaveBeenCalledTimes(1)
  })

  it('says any run where one of several changes named none', async () => {
    const pace = new Pace(() => pause(10))
    const listener = vi.fn()
    for (const change of [metrics('a'), metrics('b'), metrics()]) pace.tell(listener, change)
    await vi.advanceTimersByTimeAsync(1500)
    expect(listener.mock.calls.map(([change]) => change.run_ids)).toEqual([['a'], []])
  })
})
