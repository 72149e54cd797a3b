import type { WidgetModel } from './model'

/** Questions to the kernel, for what is not sent unasked. */

export type Question = { readonly ask: string } & Readonly<Record<string, unknown>>

export interface Answer {
  readonly answer: Readonly<Record<string, unknown>>
  readonly buffers: readonly DataView[]
}

interface Waiting {
  readonly done: (answer: Answer) => void
  readonly fail: (error: Error) => void
}

interface Reply {
  readonly id?: unknown
  readonly answer?: Readonly<Record<string, unknown>>
  readonly problem?: string | null
}

/** How long a question may be on its way before it is told that the kernel is busy. */
export const BUSY_MS = 1500

export class Channel {
  private next = 1
  private readonly waiting = new Map<number, Waiting>()
  private readonly listeners = new Set<() => void>()
  private busy = false

  constructor(private readonly model: WidgetModel) {
    model.on('msg:custom', this.onReply as never)
  }

  /** The kernel's answer. Never comes where there is no kernel; an aborted question is forgotten. */
  ask(question: Question, signal?: AbortSignal): Promise<Answer> {
    const id = this.next++
    return new Promise((done, fail) => {
      const timer = setTimeout(() => this.setBusy(true), BUSY_MS)
      const end = () => {
        clearTimeout(timer)
        this.waiting.delete(id)
        if (this.waiting.size === 0) this.setBusy(false)
      }
      this.waiting.set(id, {
        done: (answer) => {
          end()
          done(answer)
        },
        fail: (error) => {
          end()
          fail(error)
        },
      })
      signal?.addEventListener('abort', () => {
        end()
        fail(new DOMException('not wanted any more', 'AbortError'))
      })
      try {
        this.model.send({ ...question, id })
      } catch (error) {
        this.waiting.get(id)?.fail(error instanceof Error ? error : new Error(String(error)))
      }
    })
  }

  /** Whether a question has been on its way for long: the kernel is executing a cell, or is gone. */
  isBusy = (): boolean => this.busy

  subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener)
    return () => this.listeners.delete(listener)
  }

  close(): void {
    this.model.off('msg:custom', this.onReply as never)
    this.waiting.clear()
    this.listeners.clear()
  }

  private readonly onReply = (reply: Reply, buffers: readonly DataView[] = []) => {
    const waiting = typeof reply.id === 'number' ? this.waiting.get(reply.id) : undefined
    if (!waiting) return
    if (reply.problem) waiting.fail(new Error(reply.problem))
    else waiting.done({ answer: reply.answer ?? {}, buffers })
  }

  private setBusy(busy: boolean): void {
    if (this.busy === busy) return
    this.busy = busy
    for (const listener of this.listeners) listener()
  }
}

/** The answer's JSON. */
export async function askFor<T>(channel: Channel, question: Question, signal?: AbortSignal): Promise<T> {
  return (await channel.ask(question, signal)).answer as T
}

/** The bytes beside the answer. */
export async function askForBytes(channel: Channel, question: Question, signal?: AbortSignal): Promise<DataView> {
  const { buffers } = await channel.ask(question, signal)
  return buffers[0] ?? new DataView(new ArrayBuffer(0))
}
