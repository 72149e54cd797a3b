/**
 * The part of a log that the page holds: one stretch of bytes, cut into lines. It grows at either end, and what is far
 * from the reader is let go, so that a log of gigabytes takes no more memory than one of some megabytes.
 */

import { plainText } from './ansi'
import { rowsIn } from './wrapping'

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
  /** Which of them are no lines, but go on with the one before: pieces of a long line. */
  readonly pieces: readonly number[]
}

export interface LogLine {
  /** Byte of the log at which it begins. */
  readonly start: number
  /** Counted from 1; null where it is not known, and for what goes on with the line before. */
  readonly number: number | null
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
    let isPiece = kept.length > 0 && !isEnded(kept.at(-1)?.bytes)
    if (kept.length === 0 && at > 0) {
      const skipped = toLineStart(rest)
      isPiece = skipped === 0 || rest[skipped - 1] !== NEWLINE
      at += skipped
      rest = rest.subarray(skipped)
    }
    const last = kept.at(-1)
    if (last && (last.bytes.length < SEGMENT_BYTES || !isEnded(last.bytes))) {
      kept.pop()
      const whole = last.bytes.length < SEGMENT_BYTES
      const cut = whole ? 0 : (last.starts.at(-1) ?? 0)
      if (cut > 0) kept.push(segment(last.at, last.bytes.subarray(0, cut), last.pieces[0] === 0))
      rest = joined(last.bytes.subarray(cut), rest)
      at = last.at + cut
      isPiece = last.pieces.includes(whole ? 0 : last.starts.length - 1)
    }
    for (const piece of pieces(rest)) {
      kept.push(segment(at, piece, isPiece))
      at += piece.length
      isPiece = !isEnded(piece)
    }
    return new LogWindow(kept, this.end, this.firstLine).without('start')
  }

  /** With the bytes that end at its start. */
  prepend(bytes: Uint8Array): LogWindow {
    const isWhole = this.start - bytes.length <= 0
    const skipped = isWhole ? 0 : toLineStart(bytes)
    let isPiece = !isWhole && (skipped === 0 || bytes[skipped - 1] !== NEWLINE)
    const rest = bytes.subarray(skipped)
    if (rest.length === 0) return this
    let at = this.start - rest.length
    const added: Segment[] = []
    for (const piece of pieces(rest)) {
      added.push(segment(at, piece, isPiece))
      at += piece.length
      isPiece = !isEnded(piece)
    }
    const lines = added.reduce((sum, each) => sum + linesOf(each), 0)
    const known = isWhole ? 0 : this.firstLine === null ? null : this.firstLine - lines
    return new LogWindow([...added, ...this.segments], this.start, known).without('end')
  }

  /** The line at an index (from 0 in the window); empty text where there is none. */
  line(index: number): LogLine {
    const place = this.place(index)
    if (place === null) return { start: this.end, number: null, text: '' }
    const [{ at, bytes, starts, pieces: parts }, local, before] = place
    const from = starts[local] ?? 0
    const to = starts[local + 1] ?? bytes.length
    const isPiece = parts.includes(local)
    const number = isPiece || this.firstLine === null ? null : this.firstLine + before + 1
    return { start: at + from, number, text: shown(bytes.subarray(from, to)) }
  }

  /** With the number (from 1) of the line that holds a byte known; as it is where the byte is not in the window. */
  numbered(byte: number, number: number): LogWindow {
    const place = this.place(this.indexOf(byte))
    return place ? new LogWindow(this.segments, this.start, number - 1 - place[2]) : this
  }

  /** How many rows each of its lines takes where a row has so many columns, one list a segment. */
  rows(columns: number): readonly Int32Array[] {
    return this.segments.map((each) => rowsOf(each, columns))
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

  /** The segment of a line, its place there, and how many whole lines come before it. */
  private place(index: number): [Segment, number, number] | null {
    let local = index
    let before = 0
    for (const each of this.segments) {
      if (local < each.starts.length) {
        if (local < 0) return null
        return [each, local, before + local - each.pieces.filter((piece) => piece <= local).length]
      }
      local -= each.starts.length
      before += linesOf(each)
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
      if (side === 'start' && first !== null) first += linesOf(gone)
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

function isEnded(bytes: Uint8Array | undefined): boolean {
  return bytes !== undefined && bytes[bytes.length - 1] === NEWLINE
}

function linesOf({ starts, pieces: parts }: Segment): number {
  return starts.length - parts.length
}

/** The rows of the lines of segments, which never change. */
const knownRows = new WeakMap<Segment, { readonly columns: number; readonly rows: Int32Array }>()

function rowsOf(each: Segment, columns: number): Int32Array {
  const known = knownRows.get(each)
  if (known?.columns === columns) return known.rows
  const { bytes, starts } = each
  const rows = new Int32Array(starts.length)
  for (let at = 0; at < starts.length; at++) {
    const from = starts[at] ?? 0
    const to = starts[at + 1] ?? bytes.length
    rows[at] = to - from <= columns / 8 ? 1 : rowsIn(plainText(shown(bytes.subarray(from, to))), columns)
  }
  knownRows.set(each, { columns, rows })
  return rows
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

/** `isPiece`: it begins amid a line. */
function segment(at: number, bytes: Uint8Array, isPiece: boolean): Segment {
  const starts: number[] = []
  const parts: number[] = isPiece ? [0] : []
  for (let from = 0; from < bytes.length; ) {
    starts.push(from)
    const found = bytes.indexOf(NEWLINE, from)
    const to = found < 0 ? bytes.length : found + 1
    from = to - from > LONGEST_LINE + 1 ? pieceEnd(bytes, from, to) : to
    if (from < to) parts.push(starts.length)
  }
  return { at, bytes, starts: Int32Array.from(starts), pieces: parts }
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
