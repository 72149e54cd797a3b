import { Table, UnstyledButton } from '@mantine/core'
import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { get } from '../../api/http'
import type { RunGroup, RunGroups, Spread, Value } from '../../api/types'
import { formatCount, formatValue, toNumber } from '../../parts/format'
import { Loading } from '../../parts/Loading'
import { Problem } from '../../parts/Problem'
import { SortHead } from '../../parts/SortHead'
import { Status } from '../../parts/Status'
import { joinList } from '../../state/address'
import type { Order } from '../../state/order'
import { columnLabel, splitColumn } from './columns'
import { quoteName, quoteText } from './filter_words'
import classes from './groups.module.css'

/** Of the shown columns, so many metrics are told of each group. */
const MOST_METRICS = 6
const COUNT = 'runs'
const VALUE = 'value'

interface Props {
  readonly experiment: string
  readonly by: string
  readonly filter: string
  readonly childRuns: boolean
  readonly archived: boolean
  /** The table's columns: each group tells the mean and the span of those that are metrics. */
  readonly columns: readonly string[]
  /** By a column, "runs" or "value". */
  readonly order: Order
  readonly onOrder: (order: Order) => void
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

/** Runs by the value of a tag, parameter, property or field; one group is opened at a time. */
export function GroupTable(props: Props) {
  const { experiment, by, filter, childRuns, archived, order, onOrder, open, onOpen } = props
  const metrics = props.columns.filter((key) => splitColumn(key)?.kind === 'metrics').slice(0, MOST_METRICS)
  const query = useQuery({
    queryKey: ['runs', 'groups', experiment, by, filter, childRuns, archived, metrics],
    queryFn: ({ signal }) =>
      get<RunGroups>(
        '/runs/groups',
        { experiment, by, filter, children: childRuns, archived, columns: joinList(metrics) },
        signal,
      ),
    placeholderData: keepPreviousData,
  })
  if (query.isPending) return <Loading what="the groups" />
  if (query.data === undefined)
    return <Problem title="The runs could not be grouped" error={query.error} onRetry={() => query.refetch()} />
  const { total } = query.data
  const groups = sortGroups(query.data.groups, order)
  const head = { order, onOrder }
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by the keyboard
    <section className={classes.box} aria-label={`Groups by ${columnLabel(by)}`} tabIndex={0}>
      <Table highlightOnHover verticalSpacing={4} className={classes.table}>
        <Table.Thead>
          <Table.Tr>
            <SortHead {...head} by={VALUE} label={columnLabel(by)} />
            <SortHead {...head} by={COUNT} label="Runs" fallsFirst />
            {metrics.map((key) => (
              <SortHead key={key} {...head} by={key} label={`Mean ${columnLabel(key)}`} />
            ))}
            <Table.Th>Status</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {groups.map((group) => {
            const json = JSON.stringify(group.value)
            const isOpen = open === json
            return (
              <Table.Tr key={json} data-open={isOpen || undefined}>
                <Table.Th scope="row">
                  <UnstyledButton
                    className={classes.value}
                    aria-pressed={isOpen}
                    onClick={() => onOpen(isOpen ? null : json)}
                  >
                    {group.value === null ? '(none)' : group.value || '(empty)'}
                  </UnstyledButton>
                </Table.Th>
                <Table.Td>{group.count.toLocaleString('en')}</Table.Td>
                {metrics.map((key) => (
                  <Table.Td key={key}>
                    <SpreadCell spread={group.values[key]} />
                  </Table.Td>
                ))}
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

function SpreadCell({ spread }: { readonly spread: Spread | undefined }) {
  if (!spread) return null
  return (
    <>
      {formatValue(spread.mean)}
      {spread.numbers > 1 && (
        <span className={classes.span} title="The least and the greatest">
          {formatValue(spread.min)} – {formatValue(spread.max)}
        </span>
      )}
    </>
  )
}

/** In a stable order; groups without the value come last. */
export function sortGroups(groups: readonly RunGroup[], { by, descending }: Order): readonly RunGroup[] {
  const way = descending ? -1 : 1
  const compare = new Intl.Collator('en', { numeric: true }).compare
  const number = (group: RunGroup) => (by === COUNT ? group.count : toNumber(group.values[by]?.mean))
  return [...groups].sort((a, b) => {
    if (by === VALUE) {
      if (a.value === null || b.value === null) return a.value === b.value ? 0 : a.value === null ? 1 : -1
      return way * compare(a.value, b.value)
    }
    const [left, right] = [number(a), number(b)]
    if (left === null || right === null || Number.isNaN(left) || Number.isNaN(right)) {
      return Number(left === null || Number.isNaN(left)) - Number(right === null || Number.isNaN(right))
    }
    return left === right ? 0 : left < right ? -way : way
  })
}
