import { Button, Group, Modal, Stack } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { type JSX, useState } from 'react'
import { useNavigate } from 'react-router'
import { send } from '../../../api/http'
import type { ActionResult, RunAction, RunDetail } from '../../../api/types'
import { Problem } from '../../../parts/Problem'
import { experimentPath } from '../../../state/names'

type Action = Extract<RunAction, 'cancel' | 'archive' | 'restore' | 'delete'>

interface Words {
  readonly label: string
  readonly question: string
  /** What happens. */
  readonly tells: string
}

const WORDS: Readonly<Record<Action, Words>> = {
  cancel: {
    label: 'Cancel run',
    question: 'Cancel this run?',
    tells: 'Its script and all that the script has started are ended. What was logged until then stays.',
  },
  archive: {
    label: 'Archive',
    question: 'Archive this run?',
    tells: 'It is hidden from tables and can be restored.',
  },
  restore: { label: 'Restore', question: 'Restore this run?', tells: 'It is listed again.' },
  delete: {
    label: 'Delete',
    question: 'Delete this run?',
    tells: 'Its metrics, files, logs and child runs are gone for good. This cannot be undone.',
  },
}

const ENDED = ['Completed', 'Failed', 'Canceled', 'Finished']

/** What can be done with a run as a whole; each is asked for once more. */
export function RunActions({ run }: { readonly run: RunDetail }): JSX.Element {
  const client = useQueryClient()
  const navigate = useNavigate()
  const [asked, setAsked] = useState<Action | null>(null)
  const act = useMutation({
    mutationFn: async (action: Action) => {
      const { failed } = await send<ActionResult>('POST', '/runs/actions', { run_ids: [run.run_id], action })
      if (failed[0]) throw new Error(failed[0].message)
    },
    onSuccess: async (_, action) => {
      setAsked(null)
      if (action === 'delete') {
        void client.invalidateQueries({ queryKey: ['runs'] })
        navigate(experimentPath(run.experiment))
      } else await client.invalidateQueries({ queryKey: ['run', run.run_id] })
    },
  })
  const offered: Action[] = ENDED.includes(run.status) ? [run.archived ? 'restore' : 'archive', 'delete'] : ['cancel']
  const words = asked && WORDS[asked]
  return (
    <>
      {offered.map((action) => (
        <Button
          key={action}
          size="xs"
          variant="default"
          onClick={() => {
            act.reset()
            setAsked(action)
          }}
        >
          {WORDS[action].label}
        </Button>
      ))}
      <Modal
        opened={words !== null}
        onClose={() => setAsked(null)}
        title={words?.question}
        closeButtonProps={{ 'aria-label': 'Close' }}
      >
        <Stack>
          <span>{words?.tells}</span>
          {act.isError && <Problem error={act.error} title="That could not be done" />}
          <Group justify="flex-end">
            <Button variant="default" data-autofocus onClick={() => setAsked(null)}>
              Leave it
            </Button>
            <Button
              color={asked === 'delete' ? 'red' : undefined}
              loading={act.isPending}
              onClick={() => asked && act.mutate(asked)}
            >
              {words?.label}
            </Button>
          </Group>
        </Stack>
      </Modal>
    </>
  )
}
