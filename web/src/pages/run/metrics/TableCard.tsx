import { Button, SegmentedControl } from '@mantine/core'
import { useInfiniteQuery } from '@tanstack/react-query'
import { useMemo, useState } from 'react'
import { get, path } from '../../../api/http'
import type { Metric, Value } from '../../../api/types'
import { NO_SMOOTHING, type Span, type View } from '../../../charts/types'
import { formatValue } from '../../../parts/format'
import { Problem } from '../../../parts/Problem'
import { CardBox } from './CardBox'
import { LineCard } from './LineCard'
import classes from './TableCard.module.css'

interface TablePage {
  readonly columns: readonly string[]
  readonly rows: readonly (readonly Value[])[]
  readonly total: number
}

interface Props {
  readonly runId: string
  readonly metric: Metric
  readonly view: View
}

const ROWS = 100

/** Whether all cells of a column are numbers (or nothing), and there are any. */
function isNumeric(page: TablePage, column: number): boolean {
  const told = page.rows.map((row) => row[column]).filter((cell) => cell !== null && cell !== undefined)
  return (
    told.length > 0 &&
    told.every((cell) => typeof cell === 'number' || cell === 'NaN' || /^-?Infinity$/.test(String(cell)))
  )
}

/** A table: two columns of numbers as the second over the first, anything else as a table. */
export function TableCard({ runId, metric, view }: Props) {
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
  const [chosen, setChosen] = useState<'chart' | 'table' | null>(null)
  const [span, setSpan] = useState<Span | null>(null)
  const [x = '', y = ''] = metric.columns
  const columns = useMemo(() => ({ x, y }), [x, y])
  const chartView = useMemo<View>(
    () => ({ xKind: 'number', logX: view.logX, logY: view.logY, smoothing: NO_SMOOTHING, window: span }),
    [view.logX, view.logY, span],
  )
  const first = pages.data?.pages[0]
  const drawable =
    !!first && first.total > 1 && first.columns.length === 2 && isNumeric(first, 0) && isNumeric(first, 1)
  const shown = drawable ? (chosen ?? 'chart') : 'table'
  const choice = drawable && (
    <SegmentedControl
      size="xs"
      aria-label={`Show ${metric.name} as`}
      data={[
        { value: 'chart', label: 'Chart' },
        { value: 'table', label: 'Table' },
      ]}
      value={shown}
      onChange={(value) => setChosen(value === 'table' ? 'table' : 'chart')}
    />
  )
  if (shown === 'chart') {
    return (
      <LineCard
        runId={runId}
        metric={metric}
        view={chartView}
        xLabel={x}
        columns={columns}
        onWindow={setSpan}
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
        {choice}
      </div>
      {pages.error && (
        <Problem title="This table could not be read" error={pages.error} onRetry={() => void pages.refetch()} />
      )}
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keyboard */}
      <section className={classes.scroll} tabIndex={0} aria-label={`Table ${metric.name}`}>
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
                  <td key={column}>{formatValue(row[cell])}</td>
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
        </div>
      )}
    </CardBox>
  )
}
