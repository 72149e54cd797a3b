import { Anchor, Button, Table, Text, Title } from '@mantine/core'
import { type JSX, useRef, useState } from 'react'
import { Link } from 'react-router'
import { Empty } from '../../parts/Empty'
import { Moment } from '../../parts/Moment'
import { Status } from '../../parts/Status'
import { useKeys } from '../../state/keys'
import { runPath } from '../../state/names'
import { rowKeys } from '../../state/row_keys'
import { useEditable } from '../run/use_editable'
import { CancelQuestion } from './CancelQuestion'
import classes from './compute.module.css'
import type { QueuedRun } from './requests'

interface Properties {
  readonly runs: readonly QueuedRun[]
  readonly total: number
  /** The pool whose runs these are; null: all of them. */
  readonly target: string | null
  readonly onAll: () => void
}

const STATUS = { preparing: 'Preparing', waiting: 'Queued', running: 'Running', ending: 'CancelRequested' } as const

/** Submitted runs on their way: those at work, then those that wait, in their order. */
export function QueueTable({ runs, total, target, onAll }: Properties): JSX.Element {
  const isEditable = useEditable()
  const [asked, setAsked] = useState<QueuedRun | null>(null)
  const [told, setTold] = useState('')
  const box = useRef<HTMLElement>(null)
  const status = useRef<HTMLParagraphElement>(null)
  useKeys(rowKeys(box, 'run'))
  return (
    <>
      <div className={classes.heading}>
        <Title order={2} size="h4">
          {target === null ? 'On their way' : `On their way to ${target}`}{' '}
          <span className={classes.count}>{total.toLocaleString('en')}</span>
        </Title>
        {target !== null && (
          <Button size="compact-sm" variant="default" onClick={onAll}>
            Show all pools
          </Button>
        )}
      </div>
      <p ref={status} role="status" tabIndex={-1} className={classes.told}>
        {told}
      </p>
      {runs.length === 0 ? (
        <Empty title={target === null ? 'No run is on its way' : `No run is on its way to ${target}`}>
          <p>A script is sent here with:</p>
          <pre>{`milepost submit train.py${target === null || target === 'local' ? '' : ` --target ${target}`}`}</pre>
        </Empty>
      ) : (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, so the keyboard must reach it
        <section ref={box} className={classes.box} tabIndex={0} aria-label="Runs on their way">
          <Table highlightOnHover className={classes.table}>
            <Table.Thead>
              <Table.Tr>
                <Table.Th>Run</Table.Th>
                <Table.Th className={classes.wide}>Pool</Table.Th>
                <Table.Th>Status</Table.Th>
                <Table.Th className={classes.wide}>Place</Table.Th>
                <Table.Th className={classes.wide}>Submitted</Table.Th>
                <Table.Th className={classes.wide}>Nodes</Table.Th>
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
                  <Table.Th scope="row" className={classes.run}>
                    <Anchor component={Link} to={runPath(run.experiment, run.run_id)}>
                      {run.run_id}
                    </Anchor>
                    <div className={classes.what} title={run.what}>
                      {run.what}
                    </div>
                    <div className={classes.narrow}>
                      {run.target}
                      {run.position !== null && `, place ${run.position.toLocaleString('en')}`}
                    </div>
                  </Table.Th>
                  <Table.Td className={classes.wide}>{run.target}</Table.Td>
                  <Table.Td>
                    <Status status={STATUS[run.state]} />
                  </Table.Td>
                  <Table.Td className={classes.wide}>{run.position?.toLocaleString('en')}</Table.Td>
                  <Table.Td className={classes.wide}>
                    <Moment at={run.submitted} />
                  </Table.Td>
                  <Table.Td className={classes.wide}>{run.nodes}</Table.Td>
                  {isEditable && (
                    <Table.Td>
                      {run.state !== 'ending' && (
                        <Button
                          size="compact-sm"
                          variant="default"
                          aria-label={`Cancel ${run.run_id}`}
                          onClick={() => setAsked(run)}
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
      )}
      {total > runs.length && (
        <Text size="sm" c="dimmed">
          and {(total - runs.length).toLocaleString('en')} more
        </Text>
      )}
      {asked && (
        <CancelQuestion
          run={asked}
          onClose={() => setAsked(null)}
          onDone={() => {
            setTold(`${asked.run_id} is being cancelled.`)
            setAsked(null)
            status.current?.focus({ preventScroll: true }) // the row may be gone
          }}
        />
      )}
    </>
  )
}
