import { Button, Group, Modal } from '@mantine/core'
import { useMutation } from '@tanstack/react-query'
import type { JSX } from 'react'
import { send } from '../../api/http'
import { queryClient } from '../../api/queries'
import type { ActionResult } from '../../api/types'
import { Problem } from '../../parts/Problem'
import classes from './compute.module.css'
import type { QueuedRun } from './requests'

interface Properties {
  readonly run: QueuedRun
  readonly onClose: () => void
  readonly onDone: () => void
}

/** Asks before a run is cancelled. */
export function CancelQuestion({ run, onClose, onDone }: Properties): JSX.Element {
  const cancel = useMutation({
    mutationFn: async () => {
      const { failed } = await send<ActionResult>('POST', '/runs/actions', { run_ids: [run.run_id], action: 'cancel' })
      if (failed[0]) throw new Error(failed[0].message)
    },
    onSuccess: onDone,
    onSettled: () => queryClient.invalidateQueries({ queryKey: ['compute'] }),
  })
  return (
    <Modal opened onClose={onClose} title="Cancel the run" closeButtonProps={{ 'aria-label': 'Close' }}>
      <p className={classes.question}>
        <strong>{run.run_id}</strong>
        {run.state === 'running' ? ': its script is ended.' : ': it loses its place in the queue.'}
      </p>
      {cancel.isError && <Problem error={cancel.error} title="The run could not be cancelled" />}
      <Group justify="flex-end" gap="xs">
        <Button variant="default" onClick={onClose}>
          Not now
        </Button>
        <Button data-autofocus loading={cancel.isPending} onClick={() => cancel.mutate()}>
          Cancel the run
        </Button>
      </Group>
    </Modal>
  )
}
