import { Switch, Table, Text, TextInput, Title, useComputedColorScheme } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { type JSX, useEffect, useState, useSyncExternalStore } from 'react'
import { Link } from 'react-router'
import type { Highlight } from '../../charts/highlight'
import { Empty } from '../../parts/Empty'
import { Loading } from '../../parts/Loading'
import { Problem } from '../../parts/Problem'
import { changed, useAddress } from '../../state/address'
import classes from './Differences.module.css'
import { RunMark } from './RunMark'
import { type ComparedRun, comparisonQuery, type Difference, type DifferenceKind, KINDS } from './runs'
import { cellText } from './scales'

const TITLES: Readonly<Record<DifferenceKind, string>> = {
  parameters: 'Parameters',
  metrics: 'Metrics',
  tags: 'Tags',
  code: 'Code',
  environment: 'Environment',
  definition: 'Definition',
  properties: 'Properties',
  machine: 'Machine',
  run: 'Run',
}

interface Properties {
  readonly runs: readonly ComparedRun[]
  readonly highlight: Highlight
}

/** What is known of the runs side by side, by kind: what is not the same in all of them, or all. */
export function Differences({ runs, highlight }: Properties): JSX.Element {
  const address = useAddress()
  const everything = address.get('all') === '1'
  const query = useQuery(comparisonQuery(runs, everything))
  const find = address.get('find') ?? ''
  const [wanted, setWanted] = useState(find)
  useEffect(() => setWanted(find), [find])
  if (query.isPending) return <Loading what="what differs" />
  if (query.isError) {
    return <Problem error={query.error} title="The runs could not be compared" onRetry={() => void query.refetch()} />
  }
  const text = find.trim().toLowerCase()
  const parts = KINDS.map((kind) => ({
    kind,
    rows: (query.data.differences[kind] ?? []).filter((row) => row.name.toLowerCase().includes(text)),
  })).filter(({ rows }) => rows.length > 0)
  return (
    <>
      <div className={classes.tools}>
        <TextInput
          size="xs"
          w={260}
          type="search"
          aria-label="Find a name"
          placeholder="Find a name"
          value={wanted}
          onChange={(event) => setWanted(event.currentTarget.value)}
          onBlur={() => address.set({ find: wanted })}
          onKeyDown={(event) => event.key === 'Enter' && address.set({ find: wanted })}
        />
        <Switch
          size="xs"
          label="Only differences"
          checked={!everything}
          onChange={(event) => address.set({ all: event.currentTarget.checked ? null : '1' })}
        />
      </div>
      {parts.length === 0 && (
        <Empty title={text === '' ? 'The runs do not differ' : 'No such name among what differs'}>
          {runs.length < 2
            ? 'It takes two runs to differ.'
            : 'Their parameters, tags, metrics, environment and code are the same.'}
        </Empty>
      )}
      {query.data.left_out > 0 && (
        <Text size="sm" c="dimmed" mb="sm">
          {query.data.left_out.toLocaleString('en')} more are not shown: there are too many.
        </Text>
      )}
      {parts.map(({ kind, rows }) => (
        <DifferenceTable key={kind} kind={kind} rows={rows} runs={runs} highlight={highlight} />
      ))}
    </>
  )
}

interface TableProperties {
  readonly kind: DifferenceKind
  readonly rows: readonly Difference[]
  readonly runs: readonly ComparedRun[]
  readonly highlight: Highlight
}

const MOST_ROWS = 500
/** The least width of a run's column in px. */
const RUN = 132

function DifferenceTable({ kind, rows, runs, highlight }: TableProperties): JSX.Element {
  const dark = useComputedColorScheme('light') === 'dark'
  const title = TITLES[kind]
  return (
    <section className={classes.part}>
      <Title order={2} size="h5">
        {title} <span className={classes.count}>{rows.length}</span>
      </Title>
      <section
        className={classes.box}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, so the keyboard must reach it
        tabIndex={0}
        aria-label={`${title} that differ`}
      >
        <Table
          className={classes.table}
          style={{ minWidth: `calc(var(--name) + ${RUN * runs.length}px)` }}
          withColumnBorders
          stickyHeader
        >
          <Columns runs={runs} highlight={highlight} />
          <Table.Thead>
            <Table.Tr>
              <Table.Th className={classes.name}>Name</Table.Th>
              {runs.map((run) => (
                <Table.Th
                  key={run.run_id}
                  className={classes.run}
                  title={run.name}
                  onMouseEnter={() => highlight.set(run.run_id)}
                  onMouseLeave={() => highlight.set(null)}
                >
                  <RunMark slot={run.slot} dark={dark} /> {run.name}
                </Table.Th>
              ))}
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {rows.slice(0, MOST_ROWS).map((row) => (
              <Table.Tr key={row.name} data-same={row.same || undefined}>
                <Table.Th scope="row" className={classes.name} title={row.name}>
                  {row.name}
                </Table.Th>
                {runs.map((run) => (
                  <Table.Td key={run.run_id} className={classes.value}>
                    {run.run_id in row.values ? cellText(row.values[run.run_id]) : <Missing />}
                  </Table.Td>
                ))}
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </section>
      {rows.length > MOST_ROWS && (
        <Text size="sm" c="dimmed">
          and {(rows.length - MOST_ROWS).toLocaleString('en')} more: find them by name
        </Text>
      )}
      {kind === 'code' && runs.length > 1 && (
        <Text size="sm">
          <Link to={{ search: changed(window.location.search, { view: 'code' }) }}>Line by line</Link>
        </Text>
      )}
    </section>
  )
}

/** The columns' backgrounds: only they are drawn anew for another highlight. */
function Columns({ runs, highlight }: Properties): JSX.Element {
  const shown = useSyncExternalStore(highlight.subscribe, highlight.get)
  return (
    <colgroup>
      <col className={classes.names} />
      {runs.map((run) => (
        <col key={run.run_id} className={shown === run.run_id ? classes.shown : undefined} />
      ))}
    </colgroup>
  )
}

function Missing(): JSX.Element {
  return (
    <Text span c="dimmed">
      –
    </Text>
  )
}
