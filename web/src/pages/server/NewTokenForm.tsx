import { Button, CopyButton, Group, Modal, Select, TextInput } from '@mantine/core'
import { useMutation, useQuery } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'
import type { Role } from '../../api/types'
import { Problem } from '../../parts/Problem'
import { ROLES } from '../../state/roles'
import { type MadeToken, type NewToken, sendServer, tokensPath, workspacesQuery } from './requests'
import classes from './server.module.css'

const LIFETIMES = [
  { value: '7', label: '7 days' },
  { value: '30', label: '30 days' },
  { value: '90', label: '90 days' },
  { value: '365', label: 'a year' },
  { value: '', label: 'until it is revoked' },
]

interface Props {
  readonly account: string | null
  readonly onMade: () => void
  readonly onClose: () => void
}

/** Makes a token, and shows it this once. */
export function NewTokenForm({ account, onMade, onClose }: Props) {
  const [made, setMade] = useState<string | null>(null)
  return (
    <Modal
      opened
      onClose={onClose}
      title={made === null ? 'New token' : 'The new token'}
      closeButtonProps={{ 'aria-label': 'Close' }}
      closeOnClickOutside={made === null} // it cannot be seen again
    >
      {made === null ? (
        <Wanted
          account={account}
          onClose={onClose}
          onMade={(token) => {
            setMade(token)
            onMade()
          }}
        />
      ) : (
        <Shown token={made} onClose={onClose} />
      )}
    </Modal>
  )
}

interface WantedProps {
  readonly account: string | null
  readonly onMade: (token: string) => void
  readonly onClose: () => void
}

function Wanted({ account, onMade, onClose }: WantedProps) {
  const workspaces = useQuery(workspacesQuery())
  const [name, setName] = useState('')
  const [workspace, setWorkspace] = useState('')
  const [role, setRole] = useState<Role | ''>('')
  const [days, setDays] = useState('90')
  const make = useMutation({
    mutationFn: () =>
      sendServer<MadeToken>('POST', tokensPath(account), {
        name: name.trim(),
        workspace: workspace || null,
        role: role || null,
        expires_days: days ? Number(days) : null,
      } satisfies NewToken),
    onSuccess: ({ token }) => onMade(token),
  })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    make.mutate()
  }
  const names = workspaces.data?.workspaces.map((each) => each.name) ?? []
  return (
    <form onSubmit={submit} className={classes.form}>
      <TextInput
        label="Name"
        description="To know it by later: where it is used."
        data-autofocus
        required
        maxLength={200}
        value={name}
        onChange={(event) => setName(event.currentTarget.value)}
      />
      <Select
        label="For"
        data={[
          { value: '', label: account === null ? 'all your workspaces' : 'all its workspaces' },
          ...names.map((each) => ({ value: each, label: each })),
        ]}
        searchable={names.length > 8}
        allowDeselect={false}
        value={workspace}
        onChange={(value) => setWorkspace(value ?? '')}
      />
      <Select
        label="May do at most"
        data={[{ value: '', label: account === null ? 'all that you may do' : 'all that it may do' }, ...ROLES]}
        allowDeselect={false}
        value={role}
        onChange={(value) => setRole((value ?? '') as Role | '')}
      />
      <Select
        label="Good for"
        data={LIFETIMES}
        allowDeselect={false}
        value={days}
        onChange={(value) => setDays(value ?? '90')}
      />
      {make.isError && <Problem title="The token was not made" error={make.error} />}
      <Group justify="flex-end" gap="xs">
        <Button variant="default" onClick={onClose}>
          Not now
        </Button>
        <Button type="submit" loading={make.isPending}>
          Make the token
        </Button>
      </Group>
    </form>
  )
}

function Shown({ token, onClose }: { readonly token: string; readonly onClose: () => void }) {
  return (
    <div role="status">
      <p>
        Copy it now: it is not shown again. Whoever has it may do what it is for, so keep it as you keep a password.
      </p>
      <code className={classes.secret}>{token}</code>
      <Group justify="flex-end" gap="xs">
        <CopyButton value={token}>
          {({ copied, copy }) => (
            <Button data-autofocus variant="default" onClick={copy}>
              {copied ? 'Copied' : 'Copy'}
            </Button>
          )}
        </CopyButton>
        <Button onClick={onClose}>I have it</Button>
      </Group>
    </div>
  )
}
