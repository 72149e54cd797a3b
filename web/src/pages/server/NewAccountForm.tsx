import { Button, Checkbox, Group, Modal, Select, TextInput } from '@mantine/core'
import { useMutation } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'
import { Problem } from '../../parts/Problem'
import { NewPassword } from './NewPassword'
import { type Account, sendServer } from './requests'
import classes from './server.module.css'

const KINDS = [
  { value: 'user', label: 'a person' },
  { value: 'service', label: 'a program, which has tokens alone' },
]

interface Props {
  readonly onClose: () => void
  readonly onMade: (name: string) => void
}

/** Makes an account of a person or a program. */
export function NewAccountForm({ onClose, onMade }: Props) {
  const [kind, setKind] = useState('user')
  const [name, setName] = useState('')
  const [email, setEmail] = useState('')
  const [password, setPassword] = useState('')
  const [isAdmin, setAdmin] = useState(false)
  const isPerson = kind === 'user'
  const make = useMutation({
    mutationFn: () =>
      sendServer<Account>('POST', '/accounts', {
        name: name.trim(),
        kind,
        email: email.trim() || null,
        password: isPerson ? password : null,
        is_admin: isPerson && isAdmin,
      }),
    onSuccess: (made) => onMade(made.name),
  })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    make.mutate()
  }
  return (
    <Modal opened onClose={onClose} title="New account" closeButtonProps={{ 'aria-label': 'Close' }}>
      <form onSubmit={submit} className={classes.form}>
        <Select
          label="Of"
          data={KINDS}
          allowDeselect={false}
          value={kind}
          onChange={(value) => setKind(value ?? 'user')}
        />
        <TextInput
          label="Name"
          description="Letters, digits and . _ @ + - ; an e-mail address will do."
          data-autofocus
          required
          maxLength={128}
          pattern="[A-Za-z0-9][A-Za-z0-9._@+\-]*"
          autoCapitalize="none"
          autoComplete="off"
          spellCheck={false}
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
        />
        <TextInput
          label="E-mail"
          type="email"
          maxLength={320}
          autoComplete="off"
          value={email}
          onChange={(event) => setEmail(event.currentTarget.value)}
        />
        {isPerson && (
          <>
            <NewPassword isOthers value={password} onChange={setPassword} />
            <Checkbox
              label="Administrator"
              description="May manage all accounts and workspaces."
              checked={isAdmin}
              onChange={(event) => setAdmin(event.currentTarget.checked)}
            />
          </>
        )}
        {make.isError && <Problem title="The account was not made" error={make.error} />}
        <Group justify="flex-end" gap="xs">
          <Button variant="default" onClick={onClose}>
            Not now
          </Button>
          <Button type="submit" loading={make.isPending}>
            Make the account
          </Button>
        </Group>
      </form>
    </Modal>
  )
}
