import { ActionIcon, Menu, Table } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useEffect, useRef } from 'react'
import { Link } from 'react-router'
import { path, send } from '../../api/http'
import type { Experiment } from '../../api/types'
import { Icon } from '../../parts/Icon'
import { Moment } from '../../parts/Moment'
import { Problem } from '../../parts/Problem'
import { Status } from '../../parts/Status'
import { experimentPath } from '../../state/names'
import classes from './experiments.module.css'

interface Props {
  readonly experiments: readonly Experiment[]
  /** Index of the row that the keyboard is at; -1 for none. */
  readonly active: number
}

/** Experiments as rows: what ran last, and how it ended. */
export function ExperimentTable({ experiments, active }: Props) {
  const client = useQueryClient()
  const row = useRef<HTMLTableRowElement>(null)
  const archive = useMutation({
    mutationFn: ({ name, archived }: { name: string; archived: boolean }) =>
      send('PATCH', path`/experiments/${name}`, { archived }),
    onSuccess: () => client.invalidateQueries({ queryKey: ['experiments'] }),
  })
  // biome-ignore lint/correctness/useExhaustiveDependencies: the row is another one when `active` changes
  useEffect(() => row.current?.scrollIntoView({ block: 'nearest' }), [active])

  return (
    <>
      {archive.isError && <Problem title="The experiment was not changed" error={archive.error} />}
      <Table.ScrollContainer minWidth={300}>
        <Table highlightOnHover verticalSpacing="xs" className={classes.table}>
          <Table.Thead>
            <Table.Tr>
              <Table.Th w="35%">Experiment</Table.Th>
              <Table.Th className={classes.number}>Runs</Table.Th>
              <Table.Th>Status</Table.Th>
              <Table.Th>Last run</Table.Th>
              <Table.Th className={classes.wide}>Created</Table.Th>
              <Table.Th>
                <span className="sr-only">Actions</span>
              </Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {experiments.map((each, index) => (
              <Table.Tr
                key={each.id}
                ref={index === active ? row : undefined}
                data-active={index === active || undefined}
                aria-current={index === active || undefined}
              >
                <Table.Td>
                  <Link to={experimentPath(each.name)} className={classes.name}>
                    {each.name}
                  </Link>
                  {each.archived && <span className={classes.note}> archived</span>}
                  {each.description && <div className={classes.note}>{each.description}</div>}
                </Table.Td>
                <Table.Td className={classes.number}>{each.run_count.toLocaleString('en')}</Table.Td>
                <Table.Td>
                  <div className={classes.statuses}>
                    {Object.entries(each.statuses).map(([status, count]) => (
                      <Status key={status} status={status} count={count} />
                    ))}
                  </div>
                </Table.Td>
                <Table.Td>
                  <Moment at={each.last_run} />
                </Table.Td>
                <Table.Td className={classes.wide}>
                  <Moment at={each.created} />
                </Table.Td>
                <Table.Td>
                  <Menu position="bottom-end">
                    <Menu.Target>
                      <ActionIcon variant="subtle" color="gray" aria-label={`Actions on ${each.name}`}>
                        <Icon name="more" />
                      </ActionIcon>
                    </Menu.Target>
                    <Menu.Dropdown>
                      <Menu.Item
                        leftSection={<Icon name={each.archived ? 'restore' : 'archive'} size={16} />}
                        onClick={() => archive.mutate({ name: each.name, archived: !each.archived })}
                      >
                        {each.archived ? 'Restore' : 'Archive'}
                      </Menu.Item>
                    </Menu.Dropdown>
                  </Menu>
                </Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </Table.ScrollContainer>
    </>
  )
}
