/**
 * The part of a log that the page holds: one stretch of bytes, cut into lines. It grows at either end, and what is far
 * from the reader is let go, so that a log of gigabytes takes no more memory than one of some megabytes.
 */

/** A line longer than this (in bytes) is shown in pieces. */
export const LONGEST_LINE = 8192
const MOST_BYTES = 8 << 20
const MOST_LINES = 400_000
const SEGMENT_BYTES = 256 << 10
const NEWLINE = 10
const RETURN = 13

interface Segment {
  readonly at: number
  readonly bytes: Uint8Array
  /** Where each line begins, relative to `bytes`. */
  readonly starts: Int32Array
}

export interface LogLine {
  /** Byte of the log at which it begins. */
  readonly start: number
  readonly text: string
}

/** Immutable: each change gives a new window, which shares the segments. */
export class LogWindow {
  readonly start: number
  readonly end: number
  readonly lineCount: number

  private constructor(
    private readonly segments: readonly Segment[],
    at: number,
    /** The number (from 0) of the first line; null where it is not known. */
    readonly firstLine: number | null,
  ) {
    const last = segments.at(-1)
    this.start = segments[0]?.at ?? at
    this.end = last ? last.at + last.bytes.length : at
    this.lineCount = segments.reduce((sum, each) => sum + each.starts.length, 0)
  }

  /** An empty window at a byte of the log. */
  static at(start: number): LogWindow {
    return new LogWindow([], start, start === 0 ? 0 : null)
  }

  /**
   * With the bytes that follow its end. A line that is not ended yet is shown, and goes on when more comes. Where the
   * window is empty and does not begin at the log's start, the rest of the line before is left out.
   */
  append(bytes: Uint8Array): LogWindow {
    if (bytes.length === 0) return this
    let at = this.end
    let rest = bytes
    const kept = [...this.segments]
    if (kept.length === 0 && at > 0) {
      const skipped = toLineStart(rest)
      at += skipped
      rest = rest.subarray(skipped)
    }
    const last = kept.at(-1)
    if (last && (last.bytes.length < SEGMENT_BYTES || !isEnded(last.bytes))) {
      kept.pop()
      const whole = last.bytes.length < SEGMENT_BYTES
      const cut = whole ? 0 : (last.starts.at(-1) ?? 0)
      if (cut > 0) kept.push(segment(last.at, last.bytes.subarray(0, cut)))
      rest = joined(last.bytes.subarray(cut), rest)
      at = last.at + cut
    }
    for (const piece of pieces(rest)) {
      kept.push(segment(at, piece))
      at += piece.length
    }
    return new LogWindow(kept, this.end, this.firstLine).without('start')
  }

  /** With the bytes that end at its start. */
  prepend(bytes: Uint8Array): LogWindow {
    const isWhole = this.start - bytes.length <= 0
    const skipped = isWhole ? 0 : toLineStart(bytes)
    const rest = bytes.subarray(skipped)
    if (rest.length === 0) return this
    let at = this.start - rest.length
    const added: Segment[] = []
    for (const piece of pieces(rest)) {
      added.push(segment(at, piece))
      at += piece.length
    }
    const lines = added.reduce((sum, each) => sum + each.starts.length, 0)
    const known = isWhole ? 0 : this.firstLine === null ? null : this.firstLine - lines
    return new LogWindow([...added, ...this.segments], this.start, known).without('end')
  }

  /** The line at an index (from 0 in the window); empty text where there is none. */
  line(index: number): LogLine {
    const place = this.place(index)
    if (place === null) return { start: this.end, text: '' }
    const [{ at, bytes, starts }, local] = place
    const from = starts[local] ?? 0
    const to = starts[local + 1] ?? bytes.length
    return { start: at + from, text: shown(bytes.subarray(from, to)) }
  }

  /** The index of the line that holds a byte of the log; -1 where it is outside the window. */
  indexOf(byte: number): number {
    let before = 0
    for (const { at, bytes, starts } of this.segments) {
      if (byte >= at && byte < at + bytes.length) return before + lastAtMost(starts, byte - at)
      before += starts.length
    }
    return -1
  }

  private place(index: number): [Segment, number] | null {
    let local = index
    for (const each of this.segments) {
      if (local < each.starts.length) return local < 0 ? null : [each, local]
      local -= each.starts.length
    }
    return null
  }

  /** Let go of segments at that side while there is too much; two always stay. */
  private without(side: 'start' | 'end'): LogWindow {
    const kept = [...this.segments]
    let bytes = this.end - this.start
    let lines = this.lineCount
    let first = this.firstLine
    while (kept.length > 2 && (bytes > MOST_BYTES || lines > MOST_LINES)) {
      const gone = side === 'start' ? kept.shift() : kept.pop()
      if (!gone) break
      bytes -= gone.bytes.length
      lines -= gone.starts.length
      if (side === 'start' && first !== null) first += gone.starts.length
    }
    return kept.length === this.segments.length ? this : new LogWindow(kept, this.start, first)
  }
}

const decoder = new TextDecoder()

/** What a terminal would show of a line: of what was written over and over (progress bars) the last. */
function shown(bytes: Uint8Array): string {
  let end = bytes.length
  if (end > 0 && bytes[end - 1] === NEWLINE) end--
  while (end > 0 && bytes[end - 1] === RETURN) end--
  const from = bytes.subarray(0, end).lastIndexOf(RETURN) + 1
  return decoder.decode(bytes.subarray(from, end))
}

function isEnded(bytes: Uint8Array): boolean {
  return bytes[bytes.length - 1] === NEWLINE
}

function toLineStart(bytes: Uint8Array): number {
  const found = bytes.indexOf(NEWLINE)
  return found >= 0 && found + 1 < bytes.length ? found + 1 : characterStart(bytes, 0)
}

/** Cut into segments of about SEGMENT_BYTES, each but the last ending with a line where there is one that ends. */
function* pieces(bytes: Uint8Array): Generator<Uint8Array> {
  let from = 0
  while (bytes.length - from > SEGMENT_BYTES) {
    let to = bytes.subarray(0, from + SEGMENT_BYTES).lastIndexOf(NEWLINE) + 1
    if (to <= from) to = characterStart(bytes, from + SEGMENT_BYTES)
    yield bytes.slice(from, to)
    from = to
  }
  if (from < bytes.length) yield bytes.slice(from)
}

function segment(at: number, bytes: Uint8Array): Segment {
  const starts: number[] = []
  for (let from = 0; from < bytes.length; ) {
    starts.push(from)
    const found = bytes.indexOf(NEWLINE, from)
    const to = found < 0 ? bytes.length : found + 1
    from = to - from > LONGEST_LINE ? pieceEnd(bytes, from, to) : to
  }
  return { at, bytes, starts: Int32Array.from(starts) }
}

/** Where the first piece of a long line ends. A progress bar, of which only the last state is shown, is not cut. */
function pieceEnd(bytes: Uint8Array, from: number, to: number): number {
  const last = bytes.subarray(from, to).lastIndexOf(RETURN, -3)
  if (last > 0 && to - from - last <= LONGEST_LINE) return to
  return characterStart(bytes, from + LONGEST_LINE)
}

/** The first byte at or after `at` that begins a character of UTF-8 (at most three bytes further). */
function characterStart(bytes: Uint8Array, at: number): number {
  for (let step = 0; step < 4; step++) if (((bytes[at + step] ?? 0) & 0xc0) !== 0x80) return at + step
  return at
}

function joined(first: Uint8Array, second: Uint8Array): Uint8Array {
  const out = new Uint8Array(first.length + second.length)
  out.set(first)
  out.set(second, first.length)
  return out
}

function lastAtMost(starts: Int32Array, value: number): number {
  let low = 0
  let high = starts.length - 1
  while (low < high) {
    const middle = (low + high + 1) >> 1
    if ((starts[middle] ?? 0) <= value) low = middle
    else high = middle - 1
  }
  return low
}
