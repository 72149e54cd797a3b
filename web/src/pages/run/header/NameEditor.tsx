import { Button, Group, Modal, Stack, Textarea, TextInput } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { type FormEvent, type JSX, useState } from 'react'
import type { RunDetail } from '../../../api/types'
import { Problem } from '../../../parts/Problem'
import { changeRun } from '../requests'

interface Properties {
  readonly run: RunDetail
  readonly isOpen: boolean
  readonly onClose: () => void
}

/** Another name and description for a run. */
export function NameEditor({ run, isOpen, onClose }: Properties): JSX.Element {
  return (
    <Modal opened={isOpen} onClose={onClose} title="Name and description" closeButtonProps={{ 'aria-label': 'Close' }}>
      {isOpen && <Form run={run} onDone={onClose} />}
    </Modal>
  )
}

function Form({ run, onDone }: { readonly run: RunDetail; readonly onDone: () => void }): JSX.Element {
  const client = useQueryClient()
  const [name, setName] = useState(run.display_name ?? '')
  const [description, setDescription] = useState(run.description ?? '')
  const save = useMutation({
    mutationFn: () => changeRun(run.run_id, { display_name: name, description }),
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: ['run', run.run_id] })
      onDone()
    },
  })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    save.mutate()
  }
  return (
    <form onSubmit={submit}>
      <Stack>
        <TextInput label="Name" value={name} onChange={(event) => setName(event.currentTarget.value)} data-autofocus />
        <Textarea
          label="Description"
          autosize
          minRows={3}
          maxRows={12}
          value={description}
          onChange={(event) => setDescription(event.currentTarget.value)}
        />
        {save.isError && <Problem error={save.error} title="It could not be saved" />}
        <Group justify="flex-end">
          <Button variant="default" onClick={onDone}>
            Leave it
          </Button>
          <Button type="submit" loading={save.isPending}>
            Save
          </Button>
        </Group>
      </Stack>
    </form>
  )
}
