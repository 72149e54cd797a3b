import { Button, Group } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { get, path } from '../../../api/http'
import type { Metric, Value } from '../../../api/types'
import { formatValue } from '../../../parts/format'
import { Problem } from '../../../parts/Problem'
import { csvAddress } from '../requests'
import { CardBox } from './CardBox'
import { LargeButton } from './LineCard'
import classes from './TileCard.module.css'

interface Values {
  readonly values: readonly (Value | { readonly value: Value })[]
  readonly total: number
}

interface Props {
  readonly runId: string
  readonly metric: Metric
  readonly onLarge?: (() => void) | undefined
}

const MOST = 1000
/** Longer texts (characters) are written smaller, and can be enlarged. */
const LONG = 60

/** The API gives no more characters of a text. */
const CUT = 4000

function plain(entry: Value | { readonly value: Value }): Value {
  return typeof entry === 'object' && entry !== null ? entry.value : entry
}

/** A single number or text; of several texts the last, and all of them when asked for. */
export function TileCard({ runId, metric, onLarge }: Props) {
  const [all, setAll] = useState(false)
  const text = typeof metric.last === 'string' ? metric.last : ''
  const isLong = text.length > LONG || text.includes('\n')
  const isCut = text.length >= CUT && text.endsWith('...')
  const values = useQuery({
    queryKey: ['run', runId, 'metrics', metric.namespace, 'values', metric.name],
    queryFn: ({ signal }) =>
      get<Values>(path`/runs/${runId}/metrics/${metric.name}/values`, { offset: 0, limit: MOST }, signal),
    enabled: all,
  })
  return (
    <CardBox>
      <Group justify="space-between" wrap="nowrap" gap={4}>
        <h3 className={classes.name} title={metric.description || metric.name}>
          {metric.name}
        </h3>
        {onLarge && isLong && <LargeButton title={metric.name} onLarge={onLarge} />}
      </Group>
      <div className={classes.value} data-long={isLong || undefined} data-large={!onLarge || undefined}>
        {formatValue(metric.last)}
      </div>
      {isCut && !onLarge && (
        <p>
          Only its beginning is shown.{' '}
          <a href={csvAddress([runId], metric.name, metric.namespace)} download>
            All of it as CSV
          </a>
        </p>
      )}
      {metric.count > 1 && (
        <Button size="compact-xs" variant="default" aria-expanded={all} onClick={() => setAll(!all)}>
          {all ? 'Show the last' : `All ${metric.count.toLocaleString('en')} values`}
        </Button>
      )}
      {all && values.error && <Problem title="The values could not be read" error={values.error} />}
      {all && values.data && (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keyboard
        <section className={classes.all} tabIndex={0} aria-label={`Values of ${metric.name}`}>
          <ol start={0}>
            {values.data.values.map((entry, at) => (
              <li key={at}>{formatValue(plain(entry))}</li>
            ))}
          </ol>
          {values.data.total > MOST && <p>The first {MOST.toLocaleString('en')} are shown.</p>}
        </section>
      )}
    </CardBox>
  )
}
