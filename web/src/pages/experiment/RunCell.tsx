import type { Series } from '../../api/series'
import type { RunRow } from '../../api/types'
import { formatDuration, formatValue } from '../../parts/format'
import { Lasting, Moment } from '../../parts/Moment'
import { Status } from '../../parts/Status'
import { cellValue, splitColumn } from './columns'
import { Sparkline } from './Sparkline'
import classes from './table.module.css'

const ACTIVE = ['Running', 'Finalizing', 'CancelRequested']

interface Props {
  readonly row: RunRow
  readonly column: string
  /** undefined where there is none (yet). */
  readonly series: Series | undefined
  readonly sparklines: boolean
}

/** What a run has in a column. */
export function RunCell({ row, column, series, sparklines }: Props) {
  switch (column) {
    case 'status':
      return <Status status={row.status} />
    case 'created':
    case 'started':
    case 'ended':
      return <Moment at={row[column]} />
    case 'duration':
      return row.started && !row.ended && ACTIVE.includes(row.status) ? (
        <Lasting since={row.started} />
      ) : (
        formatDuration(row.duration_s)
      )
    case 'children':
      return row.child_count === 0 ? '' : row.child_count.toLocaleString('en')
    case 'error':
      return <span title={row.error_message ?? ''}>{row.error_message}</span>
    case 'type':
    case 'target':
    case 'submitted_by':
    case 'run_id':
      return <span title={row[column] ?? ''}>{row[column]}</span>
  }
  const value = cellValue(row, column)
  const text = formatValue(value)
  if (splitColumn(column)?.kind !== 'metrics') return <span title={String(value ?? '')}>{text}</span>
  return (
    <span className={classes.metric}>
      {sparklines && <Sparkline series={series} />}
      <span className={classes.metricValue} title={String(value ?? '')}>
        {text}
      </span>
    </span>
  )
}
