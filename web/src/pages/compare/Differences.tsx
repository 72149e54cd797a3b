import { Anchor, Table, Text, TextInput, Title, useComputedColorScheme } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { type JSX, useState } from 'react'
import { Link } from 'react-router'
import { Empty } from '../../parts/Empty'
import { Loading } from '../../parts/Loading'
import { Problem } from '../../parts/Problem'
import { runPath } from '../../state/names'
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

/** What is not the same in all runs, by kind. */
export function Differences({ runs }: { readonly runs: readonly ComparedRun[] }): JSX.Element {
  const query = useQuery(comparisonQuery(runs))
  const [wanted, setWanted] = useState('')
  if (query.isPending) return <Loading what="what differs" />
  if (query.isError) {
    return <Problem error={query.error} title="The runs could not be compared" onRetry={() => void query.refetch()} />
  }
  const text = wanted.trim().toLowerCase()
  const parts = KINDS.map((kind) => ({
    kind,
    rows: (query.data.differences[kind] ?? []).filter((row) => row.name.toLowerCase().includes(text)),
  })).filter(({ rows }) => rows.length > 0)
  return (
    <>
      <TextInput
        size="xs"
        mb="sm"
        w={260}
        type="search"
        aria-label="Find a name"
        placeholder="Find a name"
        value={wanted}
        onChange={(event) => setWanted(event.currentTarget.value)}
      />
      {parts.length === 0 && (
        <Empty title={text === '' ? 'The runs do not differ' : 'No such name among what differs'}>
          {runs.length < 2
            ? 'It takes two runs to differ.'
            : 'Their parameters, tags, metrics, environment and code are the same.'}
        </Empty>
      )}
      {query.data.left_out > 0 && (
        <Text size="sm" c="dimmed" mb="sm">
          {query.data.left_out.toLocaleString('en')} more differences are not shown: there are too many.
        </Text>
      )}
      {parts.map(({ kind, rows }) => (
        <DifferenceTable key={kind} title={TITLES[kind]} rows={rows} runs={runs} isCode={kind === 'code'} />
      ))}
    </>
  )
}

interface TableProperties {
  readonly title: string
  readonly rows: readonly Difference[]
  readonly runs: readonly ComparedRun[]
  readonly isCode: boolean
}

const MOST_ROWS = 500

function DifferenceTable({ title, rows, runs, isCode }: TableProperties): JSX.Element {
  const dark = useComputedColorScheme('light') === 'dark'
  const first = runs[0]
  return (
    <section className={classes.part}>
      <Title order={2} size="h5">
        {title} <span className={classes.count}>{rows.length}</span>
      </Title>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, so the keyboard must reach it */}
      <section className={classes.box} tabIndex={0} aria-label={`${title} that differ`}>
        <Table className={classes.table} withColumnBorders>
          <Table.Thead>
            <Table.Tr>
              <Table.Th className={classes.name}>Name</Table.Th>
              {runs.map((run) => (
                <Table.Th key={run.run_id} className={classes.run}>
                  <RunMark slot={run.slot} dark={dark} /> {run.name}
                </Table.Th>
              ))}
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {rows.slice(0, MOST_ROWS).map((row) => (
              <Table.Tr key={row.name}>
                <Table.Th scope="row" className={classes.name}>
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
      {isCode && first && runs.length > 1 && (
        <Text size="sm">
          Line by line:{' '}
          {runs.slice(1, 11).map((run) => (
            <Anchor
              component={Link}
              key={run.run_id}
              className={classes.link}
              to={`${runPath(run.experiment, run.run_id, 'snapshot')}&other=${encodeURIComponent(first.run_id)}`}
            >
              {run.name} against {first.name}
            </Anchor>
          ))}
        </Text>
      )}
    </section>
  )
}

function Missing(): JSX.Element {
  return (
    <Text span c="dimmed">
      –
    </Text>
  )
}
