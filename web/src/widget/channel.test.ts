import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { askFor, askForBytes, BUSY_MS, Channel } from './channel'
import type { WidgetModel } from './model'

/** A kernel's end of the channel: keeps what is asked, and answers when told. */
function kernel() {
  const asked: Record<string, unknown>[] = []
  let reply: (content: unknown, buffers?: readonly DataView[]) => void = () => {}
  const model: WidgetModel = {
    get: () => undefined,
    on: (_, listener) => {
      reply = listener as typeof reply
    },
    off: () => {
      reply = () => {}
    },
    send: (content) => asked.push(content as Record<string, unknown>),
  }
  return { model, asked, reply: (content: unknown, buffers?: readonly DataView[]) => reply(content, buffers) }
}

describe('questions to the kernel', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  it('have each its own answer, in whatever order they come', async () => {
    const { model, asked, reply } = kernel()
    const channel = new Channel(model)
    const first = askFor<{ n: number }>(channel, { ask: 'run', run_id: 'a' })
    const second = askForBytes(channel, { ask: 'file', run_id: 'a', name: 'x' })
    expect(asked.map((each) => each.ask)).toEqual(['run', 'file'])
    const bytes = new DataView(new ArrayBuffer(3))
    reply({ id: asked[1]?.id, answer: {} }, [bytes])
    reply({ id: asked[0]?.id, answer: { n: 1 } })
    expect((await first).n).toBe(1)
    expect(await second).toBe(bytes)
  })

  it('fail with the words of the kernel', async () => {
    const { model, asked, reply } = kernel()
    const question = askFor(new Channel(model), { ask: 'run', run_id: 'gone' })
    reply({ id: asked[0]?.id, problem: 'there is no run' })
    await expect(question).rejects.toThrow('there is no run')
  })

  it('that nobody wants any more are forgotten', async () => {
    const { model, asked, reply } = kernel()
    const abort = new AbortController()
    const question = askFor(new Channel(model), { ask: 'run' }, abort.signal)
    abort.abort()
    await expect(question).rejects.toThrow('not wanted')
    reply({ id: asked[0]?.id, answer: {} })
  })

  it('tell that the kernel is busy where no answer comes, until it comes', async () => {
    const { model, asked, reply } = kernel()
    const channel = new Channel(model)
    let told = 0
    channel.subscribe(() => told++)
    const question = askFor(channel, { ask: 'run' })
    vi.advanceTimersByTime(BUSY_MS - 1)
    expect(channel.isBusy()).toBe(false)
    vi.advanceTimersByTime(2)
    expect(channel.isBusy()).toBe(true)
    reply({ id: asked[0]?.id, answer: {} })
    await question
    expect(channel.isBusy()).toBe(false)
    expect(told).toBe(2)
  })

  it('that cannot be sent fail at once', async () => {
    const { model } = kernel()
    const broken = { ...model, send: () => expect.fail('the comm is closed') }
    await expect(askFor(new Channel(broken), { ask: 'run' })).rejects.toThrow('the comm is closed')
  })
})
