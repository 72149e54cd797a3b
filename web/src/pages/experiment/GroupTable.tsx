import { Table, UnstyledButton } from '@mantine/core'
import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { get } from '../../api/http'
import type { RunGroups, Value } from '../../api/types'
import { formatCount, formatValue } from '../../parts/format'
import { Loading } from '../../parts/Loading'
import { Problem } from '../../parts/Problem'
import { Status } from '../../parts/Status'
import { columnLabel, splitColumn } from './columns'
import { quoteName, quoteText } from './filter_words'
import classes from './groups.module.css'

interface Props {
  readonly experiment: string
  readonly by: string
  readonly filter: string
  /** The metric whose best and mean value each group tells; '' for none. */
  readonly metric: string
  /** The open group's value as JSON; null for none. */
  readonly open: string | null
  readonly onOpen: (value: string | null) => void
}

/** The filter for the runs of a group. */
export function groupCondition(by: string, valueJson: string): string {
  const parts = splitColumn(by)
  const field = parts ? `${parts.kind}.${quoteName(parts.name)}` : by
  const value = JSON.parse(valueJson) as Value
  if (value === null) return `${field} is null`
  return `${field} = ${typeof value === 'number' ? String(value) : quoteText(String(value))}`
}

/** Runs by the value of a tag, parameter, property or status; one group is opened at a time. */
export function GroupTable({ experiment, by, filter, metric, open, onOpen }: Props) {
  const query = useQuery({
    queryKey: ['runs', 'groups', experiment, by, filter, metric],
    queryFn: ({ signal }) => get<RunGroups>('/runs/groups', { experiment, by, filter, metric }, signal),
    placeholderData: keepPreviousData,
  })
  if (query.isPending) return <Loading what="the groups" />
  if (query.isError)
    return <Problem title="The runs could not be grouped" error={query.error} onRetry={() => query.refetch()} />
  const { groups, total } = query.data
  return (
    <section className={classes.box} aria-label={`Groups by ${columnLabel(by)}`}>
      <Table highlightOnHover verticalSpacing={4}>
        <Table.Thead>
          <Table.Tr>
            <Table.Th>{columnLabel(by)}</Table.Th>
            <Table.Th>Runs</Table.Th>
            {metric && <Table.Th>Least {columnLabel(metric)}</Table.Th>}
            {metric && <Table.Th>Mean</Table.Th>}
            {metric && <Table.Th>Greatest</Table.Th>}
            <Table.Th>Status</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {groups.map((group) => {
            const json = JSON.stringify(group.value)
            const isOpen = open === json
            return (
              <Table.Tr key={json} data-open={isOpen || undefined}>
                <Table.Td>
                  <UnstyledButton
                    className={classes.value}
                    aria-pressed={isOpen}
                    onClick={() => onOpen(isOpen ? null : json)}
                  >
                    {group.value === null ? '(none)' : formatValue(group.value) || '(empty)'}
                  </UnstyledButton>
                </Table.Td>
                <Table.Td>{group.count.toLocaleString('en')}</Table.Td>
                {metric && <Table.Td>{formatValue(group.min)}</Table.Td>}
                {metric && <Table.Td>{formatValue(group.mean)}</Table.Td>}
                {metric && <Table.Td>{formatValue(group.max)}</Table.Td>}
                <Table.Td>
                  <div className={classes.statuses}>
                    {Object.entries(group.statuses).map(([status, count]) => (
                      <Status key={status} status={status} count={count} />
                    ))}
                  </div>
                </Table.Td>
              </Table.Tr>
            )
          })}
        </Table.Tbody>
      </Table>
      <p className={classes.note}>
        {formatCount(total, 'group')}
        {total > groups.length ? `, the largest ${groups.length} of them` : ''}.{' '}
        {open === null ? 'A value shows its runs alone.' : 'The same value again shows all runs.'}
      </p>
    </section>
  )
}
