import { Button, Group, Modal } from '@mantine/core'
import { useMutation } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'
import { path } from '../../api/http'
import { Problem } from '../../parts/Problem'
import { NewPassword } from './NewPassword'
import { type Account, sendServer } from './requests'
import classes from './server.module.css'

interface Props {
  readonly account: Account
  readonly onClose: () => void
  readonly onDone: (said: string) => void
}

/** Gives somebody another password. */
export function PasswordForm({ account, onClose, onDone }: Props) {
  const [password, setPassword] = useState('')
  const change = useMutation({
    mutationFn: () => sendServer('PATCH', path`/accounts/${account.name}`, { password }),
    onSuccess: () => onDone(`${account.name} has another password now.`),
  })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    change.mutate()
  }
  return (
    <Modal opened onClose={onClose} title={`Password of ${account.name}`} closeButtonProps={{ 'aria-label': 'Close' }}>
      <form onSubmit={submit} className={classes.form}>
        <p>
          Tell it to them in private, and ask them to change it. All their browsers are signed out; tokens stay good: if
          somebody else may have had this password, revoke them, too (Change, Tokens, Revoke all).
        </p>
        <NewPassword isOthers value={password} onChange={setPassword} />
        {change.isError && <Problem title="The password was not changed" error={change.error} />}
        <Group justify="flex-end" gap="xs">
          <Button variant="default" onClick={onClose}>
            Not now
          </Button>
          <Button type="submit" loading={change.isPending}>
            Give it
          </Button>
        </Group>
      </form>
    </Modal>
  )
}
