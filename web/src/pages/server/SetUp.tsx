import { Button, Stack, TextInput } from '@mantine/core'
import { useMutation } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'
import type { SignedIn } from '../../api/types'
import { Problem } from '../../parts/Problem'
import { Alone } from './Alone'
import { NewPassword } from './NewPassword'
import { sendServer } from './requests'

const SECRET = /^#secret=([\w-]+)$/

/** Makes the first administrator of a server, with the secret behind the # of the link that it has printed. */
export function SetUp() {
  const [secret] = useState(() => {
    const found = SECRET.exec(location.hash)?.[1] ?? ''
    if (found) history.replaceState(history.state, '', location.pathname) // off the address bar and the history
    return found
  })
  const [name, setName] = useState('')
  const [password, setPassword] = useState('')
  const make = useMutation({
    mutationFn: () => sendServer<SignedIn>('POST', '/setup', { secret, name: name.trim(), password }),
    onSuccess: () => location.replace('/workspaces'),
  })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    make.mutate()
  }
  if (!secret) {
    return (
      <Alone title="Set up this server">
        <p>
          Open the whole link that <code>milepost server</code> has printed at its start, with all that stands behind
          the #. It is good once, until there is an account.
        </p>
      </Alone>
    )
  }
  return (
    <Alone title="Set up this server">
      <p>This makes the first account. It may do everything: make accounts for others, and see all workspaces.</p>
      <form onSubmit={submit}>
        <Stack>
          <TextInput
            label="Name"
            description="Letters, digits and . _ @ + - ; an e-mail address will do."
            name="username"
            autoComplete="username"
            autoCapitalize="none"
            spellCheck={false}
            autoFocus
            required
            maxLength={128}
            value={name}
            onChange={(event) => setName(event.currentTarget.value)}
          />
          <NewPassword value={password} onChange={setPassword} />
          {make.isError && <Problem title="The account was not made" error={make.error} />}
          <Button type="submit" loading={make.isPending || make.isSuccess}>
            Make the account
          </Button>
        </Stack>
      </form>
    </Alone>
  )
}
