import { Button, Group, Modal, Stack } from '@mantine/core'
import { useMutation } from '@tanstack/react-query'
import type { ReactNode } from 'react'
import { Problem } from './Problem'

interface Props {
  readonly title: string
  /** What it does, e.g. "Revoke the token". */
  readonly verb: string
  readonly act: () => Promise<unknown>
  readonly onClose: () => void
  readonly onDone: () => void
  readonly children: ReactNode
}

/** Asks before something is taken from somebody. */
export function Ask({ title, verb, act, onClose, onDone, children }: Props) {
  const doing = useMutation({ mutationFn: act, onSuccess: onDone })
  return (
    <Modal opened onClose={onClose} title={title} closeButtonProps={{ 'aria-label': 'Close' }}>
      <Stack>
        <div>{children}</div>
        {doing.isError && <Problem title="That was not done" error={doing.error} />}
        <Group justify="flex-end" gap="xs">
          <Button variant="default" data-autofocus onClick={onClose}>
            Leave it
          </Button>
          <Button color="red" loading={doing.isPending} onClick={() => doing.mutate()}>
            {verb}
          </Button>
        </Group>
      </Stack>
    </Modal>
  )
}
