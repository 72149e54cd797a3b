import type { RunColumns } from '../../api/types'
import { KINDS } from './columns'

/** What can be typed next in a filter. The server reads filters; this only helps to write them. */

export interface Suggestions {
  /** The part of the text that a suggestion takes the place of. */
  readonly from: number
  readonly to: number
  readonly words: readonly string[]
}

export const FIELDS = [
  'status',
  'name',
  'number',
  'created',
  'started',
  'ended',
  'duration',
  'type',
  'target',
  'submitted_by',
  'run_id',
  'parent',
] as const
export const STATUSES = ['Completed', 'Failed', 'Canceled', 'Running', 'Queued', 'Preparing', 'NotStarted'] as const
const COMPARISONS = ['=', '!=', '<', '<=', '>', '>=', 'like', 'in (', 'is null', 'is not null'] as const
const JOINS = ['and', 'or'] as const
const MOST = 12

const PLAIN = /^[A-Za-z_][A-Za-z0-9_]*$/
/** A text in quotes (perhaps not ended), a name with dots and quoted parts, an operator, or a number. */
const WORD =
  /"(?:[^"\\]|\\.)*"?|'(?:[^'\\]|\\.)*'?|(?:[A-Za-z_][\w]*)(?:\.(?:"[^"]*"?|`[^`]*`?|[\w]*))*|[<>!=]+|[(),]|[\d.+-][\w.:+-]*/g

/** A name as a filter takes it: in quotes where it has odd characters. */
export function quoteName(name: string): string {
  return PLAIN.test(name) ? name : `"${name.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`
}

/** A text as a filter takes it. */
export function quoteText(text: string): string {
  return `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`
}

/** A filter and one more condition. */
export function withCondition(filter: string, condition: string): string {
  return filter.trim() ? `(${filter.trim()}) and ${condition}` : condition
}

interface Word {
  readonly text: string
  readonly from: number
  readonly to: number
}

function words(text: string): Word[] {
  return [...text.matchAll(WORD)].map((match) => ({
    text: match[0],
    from: match.index,
    to: match.index + match[0].length,
  }))
}

type Place = 'operand' | 'comparison' | 'value' | 'join'

/** What belongs after these words. */
function placeAfter(before: readonly Word[]): Place {
  let place: Place = 'operand'
  for (const { text } of before) {
    const lower = text.toLowerCase()
    if (lower === 'and' || lower === 'or' || lower === '(' || lower === 'has') {
      if (place !== 'value') place = 'operand'
    } else if (lower === ',') place = 'value'
    else if (lower === ')') place = 'join'
    else if (lower === 'not') continue
    else if (/^[<>!=]+$/.test(text) || lower === 'like' || lower === 'in' || lower === 'is') place = 'value'
    else if (place === 'operand') place = 'comparison'
    else place = 'join'
  }
  return place
}

function candidates(place: Place, before: readonly Word[], columns: RunColumns | undefined): readonly string[] {
  if (place === 'comparison') return COMPARISONS
  if (place === 'join') return JOINS
  if (place === 'value') {
    const field = [...before].reverse().find(({ text }) => /^[A-Za-z]/.test(text) && !/^(in|like|is|not)$/i.test(text))
    return field?.text.toLowerCase() === 'status' ? STATUSES.map((status) => `"${status}"`) : []
  }
  const named = KINDS.flatMap((kind) => (columns?.[kind] ?? []).map(({ name }) => `${kind}.${quoteName(name)}`))
  return [...named, ...FIELDS, 'not', 'has']
}

/** The words that fit where the caret is; those that begin as typed come first. */
export function suggest(text: string, caret: number, columns: RunColumns | undefined): Suggestions {
  const all = words(text.slice(0, caret))
  const last = all.at(-1)
  const current = last && last.to === caret && !/^[(),]$/.test(last.text) ? last : null
  const before = current ? all.slice(0, -1) : all
  const typed = (current?.text ?? '').toLowerCase().replace(/^["']/, '')
  const fitting = candidates(placeAfter(before), before, columns)
  const bare = (word: string) => word.toLowerCase().replaceAll('"', '')
  const starts = fitting.filter((word) => bare(word).startsWith(typed.replaceAll('"', '')))
  const holds = fitting.filter((word) => !starts.includes(word) && typed !== '' && bare(word).includes(typed))
  const found = [...starts, ...holds].slice(0, MOST)
  const whole = found.length === 1 && found[0]?.toLowerCase() === (current?.text ?? '').toLowerCase()
  return { from: current?.from ?? caret, to: caret, words: whole ? [] : found }
}
