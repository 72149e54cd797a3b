import { Button, SegmentedControl } from '@mantine/core'
import { useInfiniteQuery } from '@tanstack/react-query'
import { useMemo } from 'react'
import { get, path } from '../../../api/http'
import type { Metric, Value } from '../../../api/types'
import { NO_SMOOTHING } from '../../../charts/types'
import { formatValue } from '../../../parts/format'
import { Problem } from '../../../parts/Problem'
import { csvAddress } from '../requests'
import { CardBox } from './CardBox'
import { cardId, useCardChoice, useCardWindow } from './card_state'
import type { ChartsContext } from './charts_context'
import { LargeButton, LineCard } from './LineCard'
import classes from './TableCard.module.css'

interface TablePage {
  readonly columns: readonly string[]
  readonly rows: readonly (readonly Value[])[]
  readonly total: number
}

interface Props {
  readonly runId: string
  readonly metric: Metric
  readonly charts: ChartsContext
  readonly onLarge?: (() => void) | undefined
  readonly large?: number | undefined
}

const ROWS = 100
const WAYS = ['chart', 'table'] as const
/** Px of a card's foot, and of what is above its rows. */
const FOOT = 30

/** Whether all cells of a column are numbers (or nothing), and there are any. */
function isNumeric(page: TablePage, column: number): boolean {
  const told = page.rows.map((row) => row[column]).filter((cell) => cell !== null && cell !== undefined)
  return (
    told.length > 0 &&
    told.every((cell) => typeof cell === 'number' || cell === 'NaN' || /^-?Infinity$/.test(String(cell)))
  )
}

/** All of a text that may not fit its cell. */
function titleOf(cell: Value | undefined): string | undefined {
  return typeof cell === 'string' && cell.length > 20 ? cell : undefined
}

/** A table: two columns of numbers as the second over the first, anything else as a table. */
export function TableCard({ runId, metric, charts, onLarge, large }: Props) {
  const pages = useInfiniteQuery({
    queryKey: ['run', runId, 'metrics', metric.namespace, 'table', metric.name],
    queryFn: ({ pageParam, signal }) =>
      get<TablePage>(path`/runs/${runId}/tables/${metric.name}`, { offset: pageParam, limit: ROWS }, signal),
    initialPageParam: 0,
    getNextPageParam: (last, all) => {
      const read = all.reduce((sum, page) => sum + page.rows.length, 0)
      return last.rows.length > 0 && read < last.total ? read : undefined
    },
  })
  const [way, setWay] = useCardChoice(cardId(metric), WAYS)
  const window = useCardWindow(cardId(metric))
  const [x = '', y = ''] = metric.columns
  const columns = useMemo(() => ({ x, y }), [x, y])
  const { logX, logY } = charts.view
  const own = useMemo<ChartsContext>(
    () => ({
      view: { xKind: 'number', logX, logY, smoothing: NO_SMOOTHING, window: window.drawn },
      window,
      extent: null,
      xLabel: x,
      height: charts.height,
    }),
    [logX, logY, window, x, charts.height],
  )
  const first = pages.data?.pages[0]
  const drawable =
    !!first && first.total > 1 && first.columns.length === 2 && isNumeric(first, 0) && isNumeric(first, 1)
  const shown = drawable ? way : 'table'
  const choice = drawable && (
    <SegmentedControl
      size="xs"
      aria-label={`Show ${metric.name} as`}
      data={[
        { value: 'chart', label: 'Chart' },
        { value: 'table', label: 'Table' },
      ]}
      value={shown}
      onChange={(value) => setWay(value === 'table' ? 'table' : 'chart')}
    />
  )
  if (shown === 'chart') {
    return (
      <LineCard
        runId={runId}
        metric={metric}
        charts={own}
        columns={columns}
        onLarge={onLarge}
        large={large}
        title={`${metric.name}: ${y} over ${x}`}
        actions={choice}
      />
    )
  }
  const rows = pages.data?.pages.flatMap((page) => page.rows) ?? []
  return (
    <CardBox>
      <div className={classes.header}>
        <h3 className={classes.title} title={metric.description}>
          {metric.name}
        </h3>
        <span className={classes.actions}>
          {choice}
          {onLarge && <LargeButton title={metric.name} onLarge={onLarge} />}
        </span>
      </div>
      {pages.error && (
        <Problem title="This table could not be read" error={pages.error} onRetry={() => void pages.refetch()} />
      )}
      <section
        className={classes.scroll}
        style={{ maxHeight: (large ?? charts.height) + FOOT }}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keyboard
        tabIndex={0}
        aria-label={`Table ${metric.name}`}
      >
        <table className={classes.table}>
          <thead>
            <tr>
              {(first?.columns ?? metric.columns).map((column) => (
                <th key={column} scope="col">
                  {column}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.map((row, at) => (
              <tr key={at}>
                {(first?.columns ?? []).map((column, cell) => (
                  <td key={column} data-number={typeof row[cell] === 'number' || undefined} title={titleOf(row[cell])}>
                    {formatValue(row[cell])}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </section>
      {first && (
        <div className={classes.footer}>
          {rows.length.toLocaleString('en')} of {first.total.toLocaleString('en')} rows
          {pages.hasNextPage && (
            <Button
              size="compact-xs"
              variant="default"
              loading={pages.isFetchingNextPage}
              onClick={() => void pages.fetchNextPage()}
            >
              Show more
            </Button>
          )}
          <a className={classes.all} href={csvAddress([runId], metric.name, metric.namespace)} download>
            CSV of all rows
          </a>
        </div>
      )}
    </CardBox>
  )
}
