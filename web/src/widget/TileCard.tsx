import { useState } from 'react'
import type { Metric } from '../api/types'
import { CardBox } from '../pages/run/metrics/CardBox'
import tile from '../pages/run/metrics/TileCard.module.css'
import { formatValue } from '../parts/format'
import { askFor, type Channel } from './channel'
import type { TextsPage } from './model'
import type { RunSource } from './source'
import { useAsked } from './use_asked'
import classes from './widget.module.css'

interface Props {
  readonly source: RunSource
  readonly channel: Channel
  readonly metric: Metric
}

const MOST = 1000

/** A single number or text; of several texts the last, and all of them when asked for. */
export function TileCard({ source, channel, metric }: Props) {
  const [all, setAll] = useState(false)
  const { name } = metric
  const sent = source.values?.texts[name]
  const isWhole = sent !== undefined && sent.values.length >= sent.total
  const asked = useAsked(all && !isWhole ? `${source.runId} ${name}` : null, metric.count, (signal) =>
    askFor<TextsPage>(channel, { ask: 'values', run_id: source.runId, name, offset: 0, limit: MOST }, signal),
  )
  const page = isWhole ? sent : (asked.value ?? sent)
  return (
    <CardBox>
      <h3 className={tile.name} title={metric.description || name}>
        {name}
      </h3>
      <div className={tile.value}>{formatValue(metric.last)}</div>
      {metric.count > 1 && (
        <button type="button" className={classes.button} aria-expanded={all} onClick={() => setAll(!all)}>
          {all ? 'Show the last' : `All ${metric.count.toLocaleString('en')} values`}
        </button>
      )}
      {all && asked.error && <p role="alert">The values could not be read: {asked.error.message}</p>}
      {all && page && (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keyboard
        <section className={tile.all} tabIndex={0} aria-label={`Values of ${name}`}>
          <ol start={0}>
            {page.values.map((value, at) => (
              <li key={at}>{formatValue(value)}</li>
            ))}
          </ol>
          {page.total > page.values.length && <p>The first {page.values.length.toLocaleString('en')} are shown.</p>}
        </section>
      )}
    </CardBox>
  )
}
