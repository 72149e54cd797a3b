import type { RunColumns } from '../../api/types'
import { KINDS } from './columns'

/** What can be typed next in a filter. The server reads filters; this only helps to write them. */

export interface Suggestions {
  /** The part of the text that a suggestion takes the place of. */
  readonly from: number
  readonly to: number
  readonly words: readonly string[]
  /** The field whose value comes here, as typed; null where another word does. */
  readonly field: string | null
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
  'description',
  'run_id',
  'parent',
] as const
const STATUSES = ['Completed', 'Failed', 'Canceled', 'Running', 'Queued', 'Preparing', 'NotStarted', 'NotResponding']
const TIMES = ['created', 'started', 'ended']
const DURATIONS = ['30s', '10m', '1h', '1d']
const COMPARISONS = ['=', '!=', '<', '<=', '>', '>=', 'like', 'not like', 'in (', 'not in (', 'is null', 'is not null']
const FUNCTIONS = ['min(', 'max(']
const MOST = 12

const PLAIN = /^[\p{L}\p{N}_/-]+(?:\.[\p{L}\p{N}_/-]+)*$/u
/** A text in quotes (perhaps not ended), a name with dots and quoted parts, an operator, or a number. */
const WORD =
  /"(?:[^"\\]|\\.)*"?|'(?:[^'\\]|\\.)*'?|[A-Za-z_]\w*(?:\.(?:"(?:[^"\\]|\\.)*"?|`[^`]*`?|[\p{L}\p{N}_/-]*))*|[<>!=]+|[(),]|[\d.+-][\w.:+-]*/gu

/** A name as a filter takes it: in quotes where it has odd characters. */
export function quoteName(name: string): string {
  return PLAIN.test(name) ? name : quoteText(name)
}

/** A text as a filter takes it. */
export function quoteText(text: string): string {
  return `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`
}

/** A filter and one more condition. */
export function withCondition(filter: string, condition: string): string {
  return filter.trim() ? `(${filter.trim()}) and ${condition}` : condition
}

/** The column of the API that a filter's field names; null where it is none. */
export function fieldColumn(field: string): string | null {
  const [kind = '', ...rest] = field.split('.')
  if (rest.length === 0) return kind.toLowerCase()
  const name = rest.join('.')
  const quoted = /^"((?:[^"\\]|\\.)*)"$/.exec(name)
  const plain = quoted ? (quoted[1] ?? '').replace(/\\(["'\\])/g, '$1') : name
  return plain ? `${kind.toLowerCase()}.${plain}` : null
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

type Place = 'operand' | 'metric' | 'comparison' | 'value' | 'listed' | 'join'

interface Spot {
  readonly place: Place
  /** Of the condition that is being written. */
  readonly field: string
  /** How many parentheses are open. */
  readonly depth: number
}

/** What belongs after these words. */
function spotAfter(before: readonly Word[]): Spot {
  let place: Place = 'operand'
  let field = ''
  let depth = 0
  let isList = false
  for (const [index, { text }] of before.entries()) {
    const word = text.toLowerCase()
    if (place === 'operand' || place === 'metric') {
      if (word === '(') depth += place === 'metric' ? 0 : 1
      else if (/^(min|max|last)$/.test(word) && before[index + 1]?.text === '(') place = 'metric'
      else if (word !== 'not' && word !== 'has') {
        field = text
        place = 'comparison'
        if (before[index - 1]?.text.toLowerCase() === 'has') place = 'join'
      }
    } else if (place === 'comparison') {
      if (word === 'in') isList = true
      if (word !== ')' && word !== 'not') place = 'value'
    } else if (place === 'value') {
      if (word === 'not' || word === '(') continue
      place = isList ? 'listed' : 'join'
    } else if (place === 'listed') {
      if (word === ',') place = 'value'
      else {
        isList = false
        place = 'join'
      }
    } else if (word === ')') depth -= 1
    else place = 'operand'
  }
  return { place, field, depth }
}

function candidates(spot: Spot, columns: RunColumns | undefined, values: readonly string[]): readonly string[] {
  const metrics = (columns?.metrics ?? []).map(({ name }) => `metrics.${quoteName(name)}`)
  switch (spot.place) {
    case 'metric':
      return metrics
    case 'comparison':
      return COMPARISONS
    case 'listed':
      return [',', ')']
    case 'join':
      return spot.depth > 0 ? ['and', 'or', ')'] : ['and', 'or']
    case 'value':
      return valuesOf(spot.field.toLowerCase(), values)
    case 'operand': {
      const named = KINDS.filter((kind) => kind !== 'metrics').flatMap((kind) =>
        (columns?.[kind] ?? []).map(({ name }) => `${kind}.${quoteName(name)}`),
      )
      return [...metrics, ...named, ...FIELDS, ...FUNCTIONS, 'not', 'has']
    }
  }
}

function valuesOf(field: string, values: readonly string[]): readonly string[] {
  if (field === 'status') return [...new Set([...values, ...STATUSES])].map(quoteText)
  if (field === 'duration') return DURATIONS
  if (TIMES.includes(field)) return [0, 1, 7, 30].map((days) => dayBefore(days))
  return values.map(quoteText)
}

/** The date so many days ago, in UTC as filters count. */
function dayBefore(days: number): string {
  return new Date(Date.now() - days * 86_400_000).toISOString().slice(0, 10)
}

/**
 * The words that fit where the caret is; those that begin as typed come first. `values` are those that runs have of the
 * field whose value comes there, as far as they are known.
 */
export function suggest(
  text: string,
  caret: number,
  columns: RunColumns | undefined,
  values: readonly string[] = [],
): Suggestions {
  const all = words(text.slice(0, caret))
  const last = all.at(-1)
  const current = last && last.to === caret && !/^[(),]$/.test(last.text) ? last : null
  const before = current ? all.slice(0, -1) : all
  const typed = (current?.text ?? '').toLowerCase().replaceAll(/["']/g, '')
  const spot = spotAfter(before)
  const fitting = candidates(spot, columns, values)
  const bare = (word: string) => word.toLowerCase().replaceAll('"', '')
  const starts = fitting.filter((word) => bare(word).startsWith(typed))
  const holds = fitting.filter((word) => !starts.includes(word) && typed !== '' && bare(word).includes(typed))
  const found = [...starts, ...holds].slice(0, MOST)
  const isWhole = found.length === 1 && found[0]?.toLowerCase() === (current?.text ?? '').toLowerCase()
  return {
    from: current?.from ?? caret,
    to: caret,
    words: isWhole ? [] : found,
    field: spot.place === 'value' && spot.field ? spot.field : null,
  }
}
