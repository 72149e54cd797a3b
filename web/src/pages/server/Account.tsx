import { Button, Table, TextInput, Title } from '@mantine/core'
import { useMutation, useQuery } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'
import { Ask } from '../../parts/Ask'
import { Loading } from '../../parts/Loading'
import { PageTitle } from '../../parts/PageTitle'
import { Problem } from '../../parts/Problem'
import { NewPassword } from './NewPassword'
import { accountQuery, type OwnAccount, sendServer } from './requests'
import classes from './server.module.css'
import { Tokens } from './Tokens'

/** Who is signed in: what they are, their tokens, their password, their browsers. */
export function Account() {
  const query = useQuery(accountQuery())
  return (
    <>
      <PageTitle title="Your account" />
      {query.isPending && <Loading what="your account" />}
      {query.isError && (
        <Problem title="Your account could not be read" error={query.error} onRetry={() => query.refetch()} />
      )}
      {query.data && (
        <>
          <Facts own={query.data} />
          <Tokens account={null} />
          {query.data.account.has_password && <PasswordChange name={query.data.account.name} />}
          <Browsers />
        </>
      )}
    </>
  )
}

function Facts({ own: { account } }: { readonly own: OwnAccount }) {
  return (
    <Table w="auto" withRowBorders={false}>
      <Table.Tbody>
        <Fact name="Name">{account.name}</Fact>
        {account.email && <Fact name="E-mail">{account.email}</Fact>}
        {account.issuer && <Fact name="Signs in at">{account.issuer}</Fact>}
        {account.is_admin && <Fact name="Administrator">may manage all accounts and workspaces</Fact>}
      </Table.Tbody>
    </Table>
  )
}

function Fact({ name, children }: { readonly name: string; readonly children: string }) {
  return (
    <Table.Tr>
      <Table.Th scope="row" fw={400} c="dimmed" pl={0}>
        {name}
      </Table.Th>
      <Table.Td>{children}</Table.Td>
    </Table.Tr>
  )
}

function PasswordChange({ name }: { readonly name: string }) {
  const [current, setCurrent] = useState('')
  const [wanted, setWanted] = useState('')
  const change = useMutation({
    mutationFn: () => sendServer('PUT', '/account/password', { current, new: wanted }),
    onSuccess: () => {
      setCurrent('')
      setWanted('')
    },
  })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    change.mutate()
  }
  return (
    <section className={classes.section} aria-labelledby="password">
      <Title order={2} size="h4" id="password" mb="xs">
        Password
      </Title>
      <form onSubmit={submit} className={classes.form}>
        {/* For programs that keep passwords. */}
        <input
          className="sr-only"
          tabIndex={-1}
          aria-hidden
          name="username"
          autoComplete="username"
          value={name}
          readOnly
        />
        <TextInput
          label="Current password"
          type="password"
          autoComplete="current-password"
          required
          maxLength={1000}
          value={current}
          onChange={(event) => setCurrent(event.currentTarget.value)}
        />
        <NewPassword value={wanted} onChange={setWanted} />
        {change.isError && <Problem title="The password was not changed" error={change.error} />}
        <p className={classes.said} role="status">
          {change.isSuccess && 'The password was changed. All other browsers were signed out; tokens stay.'}
        </p>
        <div>
          <Button type="submit" variant="default" loading={change.isPending}>
            Change the password
          </Button>
        </div>
      </form>
    </section>
  )
}

function Browsers() {
  const [isAsked, setAsked] = useState(false)
  return (
    <section className={classes.section} aria-labelledby="browsers">
      <Title order={2} size="h4" id="browsers" mb="xs">
        Browsers
      </Title>
      <p>A browser that you have lost, or have left signed in elsewhere, is signed out with all others.</p>
      <Button variant="default" onClick={() => setAsked(true)}>
        Sign out everywhere
      </Button>
      {isAsked && (
        <Ask
          title="Sign out everywhere"
          verb="Sign out"
          act={() => sendServer('DELETE', '/account/sessions')}
          onClose={() => setAsked(false)}
          onDone={() => location.assign('/sign-in')}
        >
          All browsers are signed out, this one too. Tokens stay: revoke those that you have lost.
        </Ask>
      )}
    </section>
  )
}
