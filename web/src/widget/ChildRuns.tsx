import { useMemo, useState } from 'react'
import type { RunRow, Value } from '../api/types'
import { parameterText, STOPPED } from '../pages/run/trials/trials_of'
import { formatDuration, formatValue, toNumber } from '../parts/format'
import { Status } from '../parts/Status'
import { askFor, type Channel } from './channel'
import type { ChildrenPart } from './model'
import type { RunSource } from './source'
import { Trials } from './Trials'
import { useAsked } from './use_asked'
import classes from './widget.module.css'

interface Props {
  readonly source: RunSource
  readonly channel: Channel
  readonly onOpen: (runId: string) => void
}

interface Order {
  readonly by: string
  readonly descending: boolean
}

/** The child runs as a table, the best first where it is known what is best; a row opens that run. */
export function ChildRuns({ source, channel, onOpen }: Props) {
  const { runId } = source
  const [order, setOrder] = useState<Order | null>(null)
  const asked = useAsked(source.isSent ? null : `${runId} children`, source.run, (signal) =>
    askFor<ChildrenPart>(channel, { ask: 'children', run_id: runId }, signal),
  )
  const part = source.children ?? asked.value
  const isWhole = !part || part.rows.length >= part.total
  // More children than are here: the kernel sorts.
  const sorted = useAsked(part && order && !isWhole ? JSON.stringify([runId, order]) : null, part, (signal) =>
    askFor<{ rows: readonly RunRow[] }>(
      channel,
      {
        ask: 'children',
        run_id: runId,
        columns: part?.columns ?? [],
        order_by: order?.by ?? 'number',
        descending: order?.descending ?? false,
      },
      signal,
    ),
  )
  const rows = useMemo(() => {
    if (!part) return []
    if (!order) return part.rows
    if (!isWhole) return sorted.value?.rows ?? part.rows
    return [...part.rows].sort((a, b) => compared(cell(a, order.by), cell(b, order.by), order.descending))
  }, [part, order, isWhole, sorted.value])
  if (asked.error) return <p role="alert">The child runs could not be read: {asked.error.message}</p>
  if (!part) {
    return source.run?.run.children_total ? (
      <p>Reading the child runs …</p>
    ) : (
      <p>
        This run has no child runs. A run makes some with <code>run.child_run("fold 1")</code>
      </p>
    )
  }
  const { primary } = part
  const told = order ?? (primary ? { by: primary.column, descending: primary.goal === 'maximize' } : null)
  const best = primary && part.rows.find((row) => typeof row.values[primary.column] === 'number')
  const columns = [
    { by: 'number', label: '#' },
    { by: 'name', label: 'Run' },
    { by: 'status', label: 'Status' },
    { by: 'duration', label: 'Duration' },
    ...part.columns.map((column) => ({ by: column, label: headingOf(column) })),
  ]
  return (
    <>
      <p className={classes.dimmed}>
        {rows.length.toLocaleString('en')} of {Math.max(part.total, rows.length).toLocaleString('en')} child runs
        {primary &&
          `, compared by ${primary.name} (${primary.goal === 'maximize' ? 'the greater' : 'the less'}, the better)`}
      </p>
      {primary && <Trials source={source} channel={channel} onOpen={onOpen} />}
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, so the keyboard must reach it */}
      <section className={classes.scroll} tabIndex={0} aria-label="Child runs">
        <table className={classes.table}>
          <thead>
            <tr>
              {columns.map((column) => (
                <th
                  key={column.by}
                  scope="col"
                  aria-sort={told?.by === column.by ? (told.descending ? 'descending' : 'ascending') : 'none'}
                >
                  <button
                    type="button"
                    className={classes.sort}
                    onClick={() =>
                      setOrder({ by: column.by, descending: told?.by === column.by ? !told.descending : false })
                    }
                  >
                    {column.label}
                    {told?.by === column.by && (told.descending ? ' ↓' : ' ↑')}
                  </button>
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.map((row) => (
              <tr key={row.run_id} data-best={row === best || row.run_id === best?.run_id || undefined}>
                <td>{row.number}</td>
                <td className={classes.named}>
                  <button type="button" className={classes.open} onClick={() => onOpen(row.run_id)}>
                    {row.name || row.run_id}
                  </button>
                  {row.run_id === best?.run_id && <span className={classes.best}> best</span>}
                </td>
                <td>
                  <Status status={row.status} />
                </td>
                <td className={classes.brief}>{formatDuration(row.duration_s)}</td>
                {part.columns.map((column) => (
                  <td key={column} className={column === STOPPED ? classes.why : classes.value}>
                    {column.startsWith('params.') ? parameterText(row.values[column]) : formatValue(row.values[column])}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </section>
    </>
  )
}

/** "metrics.loss" as "loss"; "min(metrics.loss)" as "least loss". */
function headingOf(column: string): string {
  if (column === STOPPED) return 'Stopped early because'
  for (const [begin, word] of [
    ['min(metrics.', 'least '],
    ['max(metrics.', 'greatest '],
  ] as const) {
    if (column.startsWith(begin)) return word + column.slice(begin.length, -1)
  }
  return column.slice(column.indexOf('.') + 1)
}

function cell(row: RunRow, by: string): Value | undefined {
  if (by === 'number') return row.number
  if (by === 'name') return row.name || row.run_id
  if (by === 'status') return row.status
  if (by === 'duration') return row.duration_s
  return row.values[by]
}

/** Numbers before texts; what is missing, or is no number, comes last in either direction. */
function compared(a: Value | undefined, b: Value | undefined, descending: boolean): number {
  const [first, second] = [ranked(a), ranked(b)]
  if (first === null || second === null) return first === second ? 0 : first === null ? 1 : -1
  const by =
    typeof first === 'number' && typeof second === 'number'
      ? first - second
      : typeof first === typeof second
        ? String(first).localeCompare(String(second))
        : typeof first === 'number'
          ? -1
          : 1
  return descending ? -by : by
}

function ranked(value: Value | undefined): number | string | null {
  if (value === null || value === undefined) return null
  const number = toNumber(value)
  if (number !== null) return Number.isNaN(number) ? null : number
  const text = String(value)
  // Parameters and tags are texts, also where they are numbers.
  return text.trim() !== '' && Number.isFinite(Number(text)) ? Number(text) : text
}
