import { Anchor, Button, Group, Table, Text } from '@mantine/core'
import { useInfiniteQuery, useQuery } from '@tanstack/react-query'
import type { JSX } from 'react'
import { Link } from 'react-router'
import { get } from '../../../api/http'
import type { RunColumns, RunDetail } from '../../../api/types'
import { Empty } from '../../../parts/Empty'
import { formatDuration, formatValue } from '../../../parts/format'
import { Loading } from '../../../parts/Loading'
import { Moment } from '../../../parts/Moment'
import { Problem } from '../../../parts/Problem'
import { Status } from '../../../parts/Status'
import { comparePath, runPath } from '../../../state/names'
import { listChildren } from '../requests'
import classes from './index.module.css'

const MOST_COLUMNS = 8
const MOST_COMPARED = 50

/** The runs that this run has started, with the values that most of them have. */
export default function Children({ run }: { readonly run: RunDetail }): JSX.Element {
  const columns = useQuery({
    queryKey: ['runs', 'columns-of-children', run.run_id],
    queryFn: ({ signal }) =>
      get<RunColumns>('/runs/columns', { experiment: run.experiment, parent: run.run_id }, signal),
  })
  const shown = primary(columns.data)
  const asked = shown.map((each) => each.column.replaceAll('%', '%25').replaceAll(',', '%2C')).join(',')
  const children = useInfiniteQuery({
    queryKey: ['runs', 'children', run.run_id, asked],
    queryFn: ({ pageParam, signal }) => listChildren(run.run_id, asked, pageParam, signal),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next_cursor,
    enabled: !columns.isPending,
  })

  if (children.isError) {
    return (
      <Problem
        error={children.error}
        title="The child runs could not be read"
        onRetry={() => void children.refetch()}
      />
    )
  }
  if (children.isPending) return <Loading what="the child runs" />
  const rows = children.data.pages.flatMap((page) => page.runs)
  if (rows.length === 0) {
    return (
      <Empty title="This run has no child runs">
        <p>A run makes some with:</p>
        <pre>{'with run.child_run(name="fold 1") as child:\n    child.log("mse", 0.1)'}</pre>
      </Empty>
    )
  }
  return (
    <>
      <Group mb="sm">
        <Text size="sm" c="dimmed">
          {rows.length.toLocaleString('en')} of {Math.max(run.children_total, rows.length).toLocaleString('en')}
        </Text>
        {rows.length > 1 && (
          <Button
            size="xs"
            variant="default"
            component={Link}
            to={comparePath(rows.slice(0, MOST_COMPARED).map((row) => row.run_id))}
          >
            Compare {rows.length > MOST_COMPARED ? `the first ${MOST_COMPARED}` : 'them'}
          </Button>
        )}
      </Group>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, so the keyboard must reach it */}
      <section className={classes.box} tabIndex={0} aria-label="Child runs">
        <Table highlightOnHover className={classes.table}>
          <Table.Thead>
            <Table.Tr>
              <Table.Th>#</Table.Th>
              <Table.Th>Run</Table.Th>
              <Table.Th>Status</Table.Th>
              <Table.Th>Created</Table.Th>
              <Table.Th>Duration</Table.Th>
              {shown.map((each) => (
                <Table.Th key={each.column} className={classes.value}>
                  {each.label}
                </Table.Th>
              ))}
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {rows.map((row) => (
              <Table.Tr key={row.run_id}>
                <Table.Td>{row.number}</Table.Td>
                <Table.Td className={classes.name}>
                  <Anchor component={Link} to={runPath(row.experiment, row.run_id)}>
                    {row.name || row.run_id}
                  </Anchor>
                  {row.child_count > 0 && (
                    <Text span size="xs" c="dimmed">
                      {' '}
                      {row.child_count} below
                    </Text>
                  )}
                </Table.Td>
                <Table.Td>
                  <Status status={row.status} />
                </Table.Td>
                <Table.Td>
                  <Moment at={row.created} />
                </Table.Td>
                <Table.Td>{formatDuration(row.duration_s)}</Table.Td>
                {shown.map((each) => (
                  <Table.Td key={each.column} className={classes.value}>
                    {formatValue(row.values[each.column])}
                  </Table.Td>
                ))}
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </section>
      {children.hasNextPage && (
        <Button
          mt="sm"
          variant="default"
          loading={children.isFetchingNextPage}
          onClick={() => void children.fetchNextPage()}
        >
          Show more
        </Button>
      )}
    </>
  )
}

interface Column {
  readonly column: string
  readonly label: string
}

/** The metrics and tags that most of the runs have. */
function primary(columns: RunColumns | undefined): Column[] {
  if (!columns) return []
  const metrics = columns.metrics.map((each) => ({
    column: `metrics.${each.name}`,
    label: each.name,
    count: each.count,
  }))
  const tags = columns.tags.map((each) => ({ column: `tags.${each.name}`, label: each.name, count: each.count }))
  return [...metrics, ...tags].sort((a, b) => b.count - a.count).slice(0, MOST_COLUMNS)
}
