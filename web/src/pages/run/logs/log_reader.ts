/** Reads a log by stretches of bytes as the reader scrolls, and takes up what a live one grows by. */

import { LogWindow } from './log_window'

export const STRETCH = 256 << 10

export interface LogPart {
  /** The byte of the log at which `bytes` begin. */
  readonly start: number
  readonly bytes: Uint8Array
  /** Bytes that the log has now. */
  readonly size: number
}

export type ReadPart = (start: number, length: number, signal: AbortSignal) => Promise<LogPart>

export interface LogState {
  readonly window: LogWindow
  /** Bytes of the log as far as known; null before anything was read. */
  readonly size: number | null
  readonly error: Error | null
  readonly isReading: boolean
  /** Counts the jumps: after one the view begins anew at `target`. */
  readonly jumps: number
  /** The byte that a jump wants to be seen; "end" for the log's end. */
  readonly target: number | 'end'
}

/** One log; tells `changed` whenever its state is another one. */
export class LogReader {
  state: LogState = {
    window: LogWindow.at(0),
    size: null,
    error: null,
    isReading: false,
    jumps: 0,
    target: 0,
  }
  private listeners = new Set<() => void>()
  private abort = new AbortController()

  constructor(private readonly read: ReadPart) {}

  subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener)
    return () => this.listeners.delete(listener)
  }

  snapshot = (): LogState => this.state

  /** Show the log around a byte, or its end. */
  async open(target: number | 'end', size: number): Promise<void> {
    this.abort.abort()
    this.abort = new AbortController()
    const at = target === 'end' ? Math.max(0, size - STRETCH) : Math.max(0, target - STRETCH / 4)
    // A log that fits is read from its start: then its lines have numbers.
    const from = at < STRETCH ? 0 : at
    this.change({ window: LogWindow.at(from), size, error: null, isReading: false })
    await this.fetch(from, from === 0 ? 2 * STRETCH : STRETCH, (window, part) => window.append(part.bytes))
    this.change({ jumps: this.state.jumps + 1, target })
  }

  /** Read what follows the window; nothing where it reaches the log's end. */
  async after(): Promise<void> {
    const { window, size, isReading } = this.state
    if (isReading || (size !== null && window.end >= size)) return
    await this.fetch(window.end, STRETCH, (now, part) => (part.start === now.end ? now.append(part.bytes) : now))
  }

  /** Read what comes before the window. */
  async before(): Promise<void> {
    const { window, isReading } = this.state
    if (isReading || window.start === 0) return
    const start = Math.max(0, window.start - STRETCH)
    await this.fetch(start, window.start - start, (now, part) =>
      part.start + part.bytes.length === now.start ? now.prepend(part.bytes) : now,
    )
  }

  /** Bytes that a live log has grown by. They are shown where the window reaches up to them. */
  grown(start: number, bytes: Uint8Array): void {
    const { window, size } = this.state
    const end = start + bytes.length
    const known = Math.max(size ?? 0, end)
    const isNext = start <= window.end && end > window.end
    this.change({ size: known, window: isNext ? window.append(bytes.subarray(window.end - start)) : window })
  }

  /** Begin with bytes that are here already, seen from their end. */
  seed(start: number, bytes: Uint8Array, size: number): void {
    this.abort.abort()
    this.abort = new AbortController()
    const window = LogWindow.at(start).append(bytes)
    this.change({ window, size, error: null, isReading: false, jumps: this.state.jumps + 1, target: 'end' })
  }

  /** Another log has taken its place: what is held is no part of it. */
  replaced(): void {
    this.abort.abort()
    this.abort = new AbortController()
    this.change({ window: LogWindow.at(0), size: 0, error: null, isReading: false })
  }

  /** The number (from 1) of the line that holds a byte. */
  numbered(byte: number, number: number): void {
    this.change({ window: this.state.window.numbered(byte, number) })
  }

  close(): void {
    this.abort.abort()
    this.listeners.clear()
  }

  private async fetch(
    start: number,
    length: number,
    join: (window: LogWindow, part: LogPart) => LogWindow,
  ): Promise<void> {
    const { signal } = this.abort
    this.change({ isReading: true })
    try {
      const part = await this.read(start, length, signal)
      if (signal.aborted) return
      const size = Math.max(part.size, this.state.size ?? 0)
      this.change({ window: join(this.state.window, part), size, error: null, isReading: false })
    } catch (error) {
      if (signal.aborted) return
      this.change({ error: error instanceof Error ? error : new Error(String(error)), isReading: false })
    }
  }

  private change(next: Partial<LogState>): void {
    this.state = { ...this.state, ...next }
    for (const listener of this.listeners) listener()
  }
}
