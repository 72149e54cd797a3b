import { Anchor, Button, Table, Text, Title } from '@mantine/core'
import { useMutation } from '@tanstack/react-query'
import type { JSX } from 'react'
import { Link } from 'react-router'
import { send } from '../../api/http'
import { queryClient } from '../../api/queries'
import type { ActionResult } from '../../api/types'
import { Empty } from '../../parts/Empty'
import { Moment } from '../../parts/Moment'
import { Problem } from '../../parts/Problem'
import { Status } from '../../parts/Status'
import { runPath } from '../../state/names'
import { useEditable } from '../run/use_editable'
import classes from './compute.module.css'
import type { QueuedRun } from './requests'

interface Properties {
  readonly runs: readonly QueuedRun[]
  readonly total: number
  readonly target: string | null
}

const STATUS = { preparing: 'Preparing', waiting: 'Queued', running: 'Running', ending: 'CancelRequested' } as const

/** Submitted runs on their way: those at work, then those that wait, in their order. */
export function QueueTable({ runs, total, target }: Properties): JSX.Element {
  const isEditable = useEditable()
  const cancel = useMutation({
    mutationFn: async (runId: string) => {
      const { failed } = await send<ActionResult>('POST', '/runs/actions', { run_ids: [runId], action: 'cancel' })
      if (failed[0]) throw new Error(failed[0].message)
    },
    onSettled: () => queryClient.invalidateQueries({ queryKey: ['compute'] }),
  })
  const title = target === null ? 'On their way' : `On their way to ${target}`
  if (runs.length === 0) {
    return (
      <Empty title={target === null ? 'No run is on its way' : `No run is on its way to ${target}`}>
        <p>A script is sent here with:</p>
        <pre>{'milepost submit train.py\n'}</pre>
      </Empty>
    )
  }
  return (
    <>
      <Title order={2} size="h4" mt="lg" mb="xs">
        {title} <span className={classes.count}>{total}</span>
      </Title>
      {cancel.isError && <Problem error={cancel.error} title="The run could not be canceled" />}
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, so the keyboard must reach it */}
      <section className={classes.box} tabIndex={0} aria-label={title}>
        <Table highlightOnHover className={classes.table}>
          <Table.Thead>
            <Table.Tr>
              <Table.Th>Run</Table.Th>
              <Table.Th>Experiment</Table.Th>
              <Table.Th>Pool</Table.Th>
              <Table.Th>Status</Table.Th>
              <Table.Th>Place</Table.Th>
              <Table.Th>Submitted</Table.Th>
              <Table.Th>Nodes</Table.Th>
              <Table.Th>What</Table.Th>
              {isEditable && (
                <Table.Th>
                  <span className="sr-only">Cancel</span>
                </Table.Th>
              )}
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {runs.map((run) => (
              <Table.Tr key={run.run_id}>
                <Table.Td>
                  <Anchor component={Link} to={runPath(run.experiment, run.run_id)}>
                    {run.run_id}
                  </Anchor>
                </Table.Td>
                <Table.Td>{run.experiment}</Table.Td>
                <Table.Td>{run.target}</Table.Td>
                <Table.Td>
                  <Status status={STATUS[run.state]} />
                </Table.Td>
                <Table.Td>{run.position}</Table.Td>
                <Table.Td>
                  <Moment at={run.submitted} />
                </Table.Td>
                <Table.Td>{run.nodes}</Table.Td>
                <Table.Td className={classes.what} title={run.what}>
                  {run.what}
                </Table.Td>
                {isEditable && (
                  <Table.Td>
                    {run.state !== 'ending' && (
                      <Button
                        size="compact-xs"
                        variant="default"
                        aria-label={`Cancel ${run.run_id}`}
                        loading={cancel.isPending && cancel.variables === run.run_id}
                        onClick={() => cancel.mutate(run.run_id)}
                      >
                        Cancel
                      </Button>
                    )}
                  </Table.Td>
                )}
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </section>
      {total > runs.length && (
        <Text size="sm" c="dimmed">
          and {(total - runs.length).toLocaleString('en')} more
        </Text>
      )}
    </>
  )
}
