import { ActionIcon, Table, Tooltip } from '@mantine/core'
import type { RefObject } from 'react'
import { Link } from 'react-router'
import type { Experiment } from '../../api/types'
import { Icon } from '../../parts/Icon'
import { Moment } from '../../parts/Moment'
import { SortHead } from '../../parts/SortHead'
import { Status } from '../../parts/Status'
import { experimentPath } from '../../state/names'
import type { Order } from '../../state/order'
import { useEditable } from '../run/use_editable'
import classes from './experiments.module.css'

interface Props {
  readonly box: RefObject<HTMLDivElement | null>
  readonly experiments: readonly Experiment[]
  readonly order: Order
  readonly onOrder: (order: Order) => void
  readonly onArchive: (name: string, archived: boolean) => void
}

/** Experiments as rows: what happened last, and how their runs ended. */
export function ExperimentTable({ box, experiments, order, onOrder, onArchive }: Props) {
  const isEditable = useEditable()
  const head = { order, onOrder }
  return (
    <div ref={box} className={classes.box}>
      <Table highlightOnHover verticalSpacing="xs" className={classes.table}>
        <Table.Thead>
          <Table.Tr>
            <SortHead {...head} by="name" label="Experiment" className={classes.names} />
            <SortHead {...head} by="runs" label="Runs" fallsFirst className={classes.number} />
            <Table.Th className={classes.wide}>Status</Table.Th>
            <SortHead {...head} by="last_activity" label="Last activity" fallsFirst />
            <SortHead {...head} by="created" label="Created" fallsFirst className={classes.wide} />
            {isEditable && (
              <Table.Th>
                <span className="sr-only">Archive</span>
              </Table.Th>
            )}
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {experiments.map((each) => (
            <Table.Tr key={each.id}>
              <Table.Th scope="row" className={classes.names}>
                <Link to={experimentPath(each.name)} className={classes.name}>
                  {each.name}
                </Link>
                {each.archived && <span className={classes.note}> archived</span>}
                {each.description && <div className={classes.note}>{each.description}</div>}
                <div className={classes.narrow}>
                  <Statuses statuses={each.statuses} />
                </div>
              </Table.Th>
              <Table.Td className={classes.number}>{each.run_count.toLocaleString('en')}</Table.Td>
              <Table.Td className={classes.wide}>
                <Statuses statuses={each.statuses} />
              </Table.Td>
              <Table.Td>
                <Moment at={each.last_activity} />
              </Table.Td>
              <Table.Td className={classes.wide}>
                <Moment at={each.created} />
              </Table.Td>
              {isEditable && (
                <Table.Td className={classes.action}>
                  <ArchiveButton
                    name={each.name}
                    isArchived={each.archived !== null}
                    onArchive={(archived) => onArchive(each.name, archived)}
                  />
                </Table.Td>
              )}
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </div>
  )
}

function Statuses({ statuses }: { readonly statuses: Readonly<Record<string, number>> }) {
  return (
    <div className={classes.statuses}>
      {Object.entries(statuses).map(([status, count]) => (
        <Status key={status} status={status} count={count} />
      ))}
    </div>
  )
}

interface ArchiveProps {
  readonly name: string
  readonly isArchived: boolean
  readonly onArchive: (archived: boolean) => void
}

function ArchiveButton({ name, isArchived, onArchive }: ArchiveProps) {
  const verb = isArchived ? 'Restore' : 'Archive'
  return (
    <Tooltip label={verb}>
      <ActionIcon variant="subtle" color="gray" aria-label={`${verb} ${name}`} onClick={() => onArchive(!isArchived)}>
        <Icon name={isArchived ? 'restore' : 'archive'} size={16} />
      </ActionIcon>
    </Tooltip>
  )
}
