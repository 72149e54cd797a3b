import { Anchor, Button, Group, Table, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { type JSX, useState } from 'react'
import { Link, useNavigate } from 'react-router'
import { get } from '../../../api/http'
import type { RunColumns, RunDetail, RunRow } from '../../../api/types'
import { Empty } from '../../../parts/Empty'
import { formatDuration, formatValue } from '../../../parts/format'
import { Loading } from '../../../parts/Loading'
import { Problem } from '../../../parts/Problem'
import { Status } from '../../../parts/Status'
import { comparePath, runPath } from '../../../state/names'
import { AxisHead } from '../../compare/AxisHead'
import box from '../children/index.module.css'
import { listTrials } from '../requests'
import classes from './index.module.css'
import { TrialCharts } from './TrialCharts'
import { headingOf, type Primary, parametersOf, parameterText, primaryOf, STOPPED } from './trials_of'

const MOST_COMPARED = 50
/** Rows of the table until more are asked for: a thousand would take seconds to draw. */
const ROWS = 100

/** The trials of a sweep, best first: what they were given, what they gave, and why some were stopped. */
export default function Trials({ run }: { readonly run: RunDetail }): JSX.Element {
  const primary = primaryOf(run)
  if (primary === null) return <Empty title="This run is no sweep">Its child runs have a tab of their own.</Empty>
  return <OfSweep run={run} primary={primary} />
}

function OfSweep({ run, primary }: { readonly run: RunDetail; readonly primary: Primary }): JSX.Element {
  const navigate = useNavigate()
  const columns = useQuery({
    queryKey: ['runs', 'columns-of-children', run.run_id],
    queryFn: ({ signal }) =>
      get<RunColumns>('/runs/columns', { experiment: run.experiment, parent: run.run_id }, signal),
  })
  const parameters = parametersOf(columns.data)
  const asked = [primary.column, ...parameters, STOPPED]
  const trials = useQuery({
    queryKey: ['runs', 'trials', run.run_id, asked],
    queryFn: ({ signal }) => listTrials(run.run_id, asked, primary, signal),
    enabled: !columns.isPending,
  })
  if (trials.isError) {
    return <Problem error={trials.error} title="The trials could not be read" onRetry={() => void trials.refetch()} />
  }
  if (trials.isPending) return <Loading what="the trials" />
  const rows = trials.data.runs
  if (rows.length === 0) return <Empty title="There are no trials yet">The first ones are about to be submitted.</Empty>
  const compare = (ids: readonly string[]) => navigate(comparePath(ids.slice(0, MOST_COMPARED)))
  return (
    <>
      <Group mb="sm">
        <Text size="sm" c="dimmed">
          {rows.length.toLocaleString('en')} of {Math.max(run.children_total, rows.length).toLocaleString('en')} trials,
          best first by {primary.name} ({primary.maximize ? 'the greater' : 'the less'}, the better)
        </Text>
        {rows.length > 1 && (
          <Button size="xs" variant="default" onClick={() => compare(rows.map((row) => row.run_id))}>
            Compare {rows.length > MOST_COMPARED ? `the best ${MOST_COMPARED}` : 'them'}
          </Button>
        )}
      </Group>
      <TrialCharts
        rows={rows}
        columns={parameters}
        primary={primary}
        gap={86}
        Heading={AxisHead}
        onOpen={(runId) => navigate(runPath(run.experiment, runId))}
        actions={(runIds) => (
          <Button
            size="compact-xs"
            variant="default"
            disabled={runIds.length === 0 || runIds.length === rows.length}
            onClick={() => compare(runIds)}
          >
            Compare {runIds.length > MOST_COMPARED ? `the best ${MOST_COMPARED} of these` : 'only these'}
          </Button>
        )}
      />
      <TrialTable rows={rows} parameters={parameters} primary={primary} />
    </>
  )
}

interface TableProps {
  readonly rows: readonly RunRow[]
  readonly parameters: readonly string[]
  readonly primary: Primary
}

function TrialTable({ rows, parameters, primary }: TableProps): JSX.Element {
  const [shown, setShown] = useState(ROWS)
  const best = rows.find((row) => typeof row.values[primary.column] === 'number')
  const anyStopped = rows.some((row) => row.values[STOPPED])
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, so the keyboard must reach it
    <section className={box.box} tabIndex={0} aria-label="Trials">
      <Table highlightOnHover className={box.table}>
        <Table.Thead>
          <Table.Tr>
            <Table.Th>Trial</Table.Th>
            <Table.Th>Status</Table.Th>
            <Table.Th>Duration</Table.Th>
            <Table.Th className={box.value}>{primary.name}</Table.Th>
            {parameters.map((column) => (
              <Table.Th key={column} className={box.value}>
                {headingOf(column)}
              </Table.Th>
            ))}
            {anyStopped && <Table.Th>Stopped early because</Table.Th>}
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {rows.slice(0, shown).map((row) => (
            <Table.Tr key={row.run_id} className={row === best ? classes.best : undefined}>
              <Table.Td className={box.name}>
                <Anchor component={Link} to={runPath(row.experiment, row.run_id)}>
                  {row.name || row.run_id}
                </Anchor>
                {row === best && (
                  <Text span size="xs" c="dimmed">
                    {' '}
                    best
                  </Text>
                )}
              </Table.Td>
              <Table.Td>
                <Status status={row.status} />
              </Table.Td>
              <Table.Td>{formatDuration(row.duration_s)}</Table.Td>
              <Table.Td className={box.value}>{formatValue(row.values[primary.column])}</Table.Td>
              {parameters.map((column) => (
                <Table.Td key={column} className={box.value} title={String(row.values[column] ?? '')}>
                  {parameterText(row.values[column])}
                </Table.Td>
              ))}
              {anyStopped && <Table.Td className={classes.why}>{row.values[STOPPED]}</Table.Td>}
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
      {shown < rows.length && (
        <Button size="xs" variant="default" mt="xs" onClick={() => setShown(shown + ROWS)}>
          Show {Math.min(ROWS, rows.length - shown)} more of {(rows.length - shown).toLocaleString('en')}
        </Button>
      )}
    </section>
  )
}
