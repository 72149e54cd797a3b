import { useState } from 'react'
import type { Metric, Value } from '../api/types'
import type { Crosshair } from '../charts/crosshair'
import { CardBox } from '../pages/run/metrics/CardBox'
import table from '../pages/run/metrics/TableCard.module.css'
import { Choice } from '../parts/Choice'
import { formatValue, toNumber } from '../parts/format'
import { askFor, type Channel } from './channel'
import { LineCard } from './LineCard'
import type { ChartSettings } from './Metrics'
import type { TablePage } from './model'
import type { RunSource, WantedLine } from './source'
import { useAsked } from './use_asked'
import { useSlowly } from './use_slowly'
import classes from './widget.module.css'

interface Props {
  readonly source: RunSource
  readonly channel: Channel
  readonly metric: Metric
  /** The line that it may be drawn as. */
  readonly wanted: WantedLine | null
  readonly settings: ChartSettings
  readonly crosshair: Crosshair
}

const ROWS = 50

function isNumeric(page: TablePage, column: number): boolean {
  const told = page.rows.map((row) => row[column]).filter((cell) => cell !== null && cell !== undefined)
  return told.length > 0 && told.every((cell) => toNumber(cell) !== null)
}

/** A table: two columns of numbers as the second over the first, anything else as a table. */
export function TableCard({ source, channel, metric, wanted, settings, crosshair }: Props) {
  const { name } = metric
  const [chosen, setChosen] = useState<'chart' | 'table' | null>(null)
  const [limit, setLimit] = useState(ROWS)
  const sent = limit === ROWS ? source.values?.tables[name] : undefined
  const count = useSlowly(metric.count, 2000)
  const asked = useAsked(sent ? null : `${source.runId} ${name} ${limit}`, count, (signal) =>
    askFor<TablePage>(channel, { ask: 'table', run_id: source.runId, name, offset: 0, limit }, signal),
  )
  const page = sent ?? asked.value
  const drawable = wanted !== null && !!page && isNumeric(page, 0) && isNumeric(page, 1)
  const shown = drawable ? (chosen ?? 'chart') : 'table'
  const choice = drawable && (
    <Choice
      label={`Show ${name} as`}
      value={shown}
      onChange={setChosen}
      options={[
        { value: 'chart', label: 'Chart' },
        { value: 'table', label: 'Table' },
      ]}
    />
  )
  if (drawable && shown === 'chart') {
    return (
      <LineCard
        source={source}
        channel={channel}
        metric={metric}
        wanted={wanted}
        settings={settings}
        crosshair={crosshair}
        actions={choice}
      />
    )
  }
  return (
    <CardBox>
      <div className={table.header}>
        <h3 className={table.title} title={metric.description}>
          {name}
        </h3>
        {choice}
      </div>
      {asked.error && <p role="alert">This table could not be read: {asked.error.message}</p>}
      {page && <Rows page={page} label={`Table ${name}`} />}
      {page && (
        <div className={table.footer}>
          {page.rows.length.toLocaleString('en')} of {page.total.toLocaleString('en')} rows
          {page.rows.length < page.total && limit < 1000 && (
            <button type="button" className={classes.button} onClick={() => setLimit(1000)}>
              Show more
            </button>
          )}
        </div>
      )}
    </CardBox>
  )
}

function Rows({ page, label }: { readonly page: TablePage; readonly label: string }) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keyboard
    <section className={table.scroll} tabIndex={0} aria-label={label}>
      <table className={table.table}>
        <thead>
          <tr>
            {page.columns.map((column) => (
              <th key={column} scope="col">
                {column}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {page.rows.map((row: readonly Value[], at) => (
            <tr key={at}>
              {page.columns.map((column, cell) => (
                <td key={column}>{formatValue(row[cell])}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  )
}
