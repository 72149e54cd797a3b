import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Hub } from './hub'
import type { LiveEvent, LiveRequest, Told, Wish } from './protocol'

/** A server: the streams that were asked for, and which are open. */
class Streams {
  readonly asked: LiveRequest[] = []
  open = 0
  private send: (event: LiveEvent) => void = () => {}
  private finish: (error?: Error) => void = () => {}

  connect = (wanted: LiveRequest, onEvent: (event: LiveEvent) => void, signal: AbortSignal): Promise<void> => {
    this.asked.push(wanted)
    this.open++
    this.send = onEvent
    return new Promise((done, fail) => {
      let isOver = false
      const over = (end: () => void) => {
        if (!isOver) this.open--
        isOver = true
        end()
      }
      this.finish = (error) => over(() => (error ? fail(error) : done()))
      signal.addEventListener('abort', () => over(() => fail(new Error('aborted'))))
    })
  }

  get last(): LiveRequest {
    return this.asked.at(-1) ?? { watch: [], logs: [] }
  }

  tell(event: LiveEvent): void {
    this.send(event)
  }

  end(error?: Error): void {
    this.finish(error)
  }
}

class Tab {
  readonly heard: [number, Told][] = []
  tell = (id: number, told: Told) => void this.heard.push([id, told])
}

const run = (runId: string, since: string | null = null): Wish => ({ kind: 'watch', watched: { runId }, since })
const log = (runId: string, start = 0): Wish => ({ kind: 'log', runId, name: 'log.txt', start })
const settle = () => vi.advanceTimersByTimeAsync(50)

describe('the hub of all tabs', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  it('has one stream, whatever twenty tabs watch, and tells each of its own', async () => {
    const server = new Streams()
    const hub = new Hub(server.connect)
    const tabs = Array.from({ length: 20 }, () => new Tab())
    for (const [at, tab] of tabs.entries()) {
      hub.want(tab, tab.tell, new Map([[1, run(at < 15 ? 'a' : 'b')]]))
    }
    await settle()
    expect(server.asked).toHaveLength(1)
    expect(server.last.watch).toEqual([
      { id: 0, run_id: 'a' },
      { id: 1, run_id: 'b' },
    ])
    server.tell({ watch: 1, kind: 'opened', run_ids: [], version: 'v1' })
    server.tell({ watch: 1, kind: 'metrics', run_ids: ['b'], version: 'v2' })
    expect(tabs.map((tab) => tab.heard.length)).toEqual([...Array(15).fill(0), ...Array(5).fill(2)])
    expect(tabs[19]?.heard[1]).toEqual([
      1,
      { kind: 'change', change: { kind: 'metrics', run_ids: ['b'], version: 'v2' } },
    ])
  })

  it('goes on where each has come when another tab opens, and never has two streams', async () => {
    const server = new Streams()
    const hub = new Hub(server.connect)
    const [one, two] = [new Tab(), new Tab()]
    hub.want(
      one,
      one.tell,
      new Map([
        [1, run('a')],
        [2, log('a', 10)],
      ]),
    )
    await settle()
    server.tell({ watch: 0, kind: 'opened', run_ids: [], version: 'v1' })
    server.tell({ log: 1, start: 10, text: btoa('hello') })
    hub.want(two, two.tell, new Map([[1, run('a')]]))
    await settle()
    expect(server.open).toBe(1)
    expect(server.last).toEqual({
      watch: [
        { id: 0, run_id: 'a', since: 'v1' },
        { id: 2, run_id: 'a' },
      ],
      logs: [{ id: 1, run_id: 'a', name: 'log.txt', start: 15 }],
    })
    expect(one.heard[1]).toEqual([2, { kind: 'part', start: 10, bytes: new TextEncoder().encode('hello') }])
  })

  it('ends its stream with the last tab', async () => {
    const server = new Streams()
    const hub = new Hub(server.connect)
    const tab = new Tab()
    hub.want(tab, tab.tell, new Map([[1, run('a')]]))
    await settle()
    hub.want(tab, tab.tell, new Map())
    await settle()
    expect(server.open).toBe(0)
    await vi.advanceTimersByTimeAsync(60_000)
    expect(server.asked).toHaveLength(1)
  })

  it('comes back less and less often while the server is gone, and at once when it has answered', async () => {
    const server = new Streams()
    const hub = new Hub(server.connect)
    const tab = new Tab()
    hub.want(tab, tab.tell, new Map([[1, run('a')]]))
    await settle()
    for (const [at, wait] of [1000, 2000, 4000].entries()) {
      const before = server.asked.length
      server.end(new Error('unreachable'))
      await settle()
      expect(tab.heard).toEqual(Array(at + 1).fill([0, { kind: 'lost' }]))
      await vi.advanceTimersByTimeAsync(wait - 60)
      expect(server.asked).toHaveLength(before)
      await vi.advanceTimersByTimeAsync(20)
      expect(server.asked).toHaveLength(before + 1)
    }
    server.tell({ watch: 0, kind: 'opened', run_ids: [], version: 'v1' })
    server.end()
    await vi.advanceTimersByTimeAsync(1010)
    expect(server.last.watch).toEqual([{ id: 0, run_id: 'a', since: 'v1' }])
  })

  it('comes back at once where a tab has found the server again', async () => {
    const server = new Streams()
    const hub = new Hub(server.connect)
    const tab = new Tab()
    const wishes = new Map([[1, run('a')]])
    hub.want(tab, tab.tell, wishes)
    await settle()
    for (let times = 0; times < 6; times++) {
      server.end(new Error('unreachable'))
      await vi.advanceTimersByTimeAsync(31_000)
    }
    server.end(new Error('unreachable'))
    await settle()
    const before = server.asked.length
    hub.want(tab, tab.tell, wishes)
    await settle()
    expect([server.asked.length, server.open]).toEqual([before + 1, 1])
    hub.want(tab, tab.tell, wishes)
    await settle()
    expect(server.asked).toHaveLength(before + 1)
  })

  it('asks no more for a log that has ended', async () => {
    const server = new Streams()
    const hub = new Hub(server.connect)
    const tab = new Tab()
    hub.want(tab, tab.tell, new Map([[7, log('a')]]))
    await settle()
    server.tell({ log: 0, status: 'Completed' })
    server.end()
    await vi.advanceTimersByTimeAsync(60_000)
    expect(tab.heard).toEqual([[7, { kind: 'end' }]])
    expect(server.asked).toHaveLength(1)
  })

  it('forgets tabs that have crashed, and takes back one that was only slow', async () => {
    const server = new Streams()
    const hub = new Hub(server.connect)
    const [crashed, slow] = [new Tab(), new Tab()]
    hub.want(crashed, crashed.tell, new Map([[1, log('a')]]))
    hub.want(slow, slow.tell, new Map([[1, run('b')]]))
    await vi.advanceTimersByTimeAsync(100_000)
    hub.forgetSilent(90_000)
    await settle()
    expect(server.open).toBe(0)
    hub.want(slow, slow.tell, new Map([[1, run('b', 'v3')]]))
    await settle()
    expect(server.last).toEqual({ watch: [{ id: 0, run_id: 'b', since: 'v3' }], logs: [] })
  })
})
