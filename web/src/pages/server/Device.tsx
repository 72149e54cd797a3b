import { Button, Group, TextInput } from '@mantine/core'
import { useMutation, useQuery } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'
import { ApiError, path } from '../../api/http'
import { sessionQuery } from '../../api/queries'
import { Loading } from '../../parts/Loading'
import { Moment } from '../../parts/Moment'
import { PageTitle } from '../../parts/PageTitle'
import { Problem } from '../../parts/Problem'
import { useAddress } from '../../state/address'
import { deviceQuery, sendServer, type Waiting } from './requests'
import classes from './server.module.css'

/** Where a person lets in a program that has no browser: `milepost login`. */
export function Device() {
  const address = useAddress()
  const code = address.get('code') ?? ''
  return (
    <>
      <PageTitle title="Let a program in" />
      {code ? <Question key={code} code={code} /> : <CodeForm onCode={(typed) => address.set({ code: typed })} />}
    </>
  )
}

function CodeForm({ onCode }: { readonly onCode: (code: string) => void }) {
  const [typed, setTyped] = useState('')
  const submit = (event: FormEvent) => {
    event.preventDefault()
    onCode(typed.trim())
  }
  return (
    <form onSubmit={submit} className={classes.form}>
      <TextInput
        label="Code"
        description="What the program shows, such as BCDF-GHJK."
        autoFocus
        required
        minLength={8}
        maxLength={20}
        autoCapitalize="characters"
        autoComplete="off"
        spellCheck={false}
        value={typed}
        onChange={(event) => setTyped(event.currentTarget.value)}
      />
      <div>
        <Button type="submit">Go on</Button>
      </div>
    </form>
  )
}

function Question({ code }: { readonly code: string }) {
  const address = useAddress()
  const who = useQuery(sessionQuery()).data?.account
  const waiting = useQuery(deviceQuery(code))
  const answer = useMutation({
    mutationFn: (approve: boolean) => sendServer<Waiting>('POST', path`/device/codes/${code}`, { approve }),
  })
  const again = (
    <Button variant="default" onClick={() => address.set({ code: null }, { push: true })}>
      Type another code
    </Button>
  )
  if (answer.isSuccess) {
    return (
      <div role="status">
        {answer.variables ? (
          <p>
            <strong>The program is let in.</strong> Go back to it; this page can be closed. What it may do is revoked
            under Account, Tokens.
          </p>
        ) : (
          <p>
            <strong>The program was refused.</strong> It gets nothing.
          </p>
        )}
      </div>
    )
  }
  if (waiting.isPending) return <Loading what="the program" />
  if (waiting.isError) {
    const isUnknown = waiting.error instanceof ApiError && waiting.error.status === 404
    return (
      <>
        <Problem
          title={isUnknown ? 'No program waits with this code' : 'The program could not be looked up'}
          error={
            isUnknown
              ? new Error('It may be mistyped, older than ten minutes, or answered already. Begin the sign-in anew.')
              : waiting.error
          }
        />
        {again}
      </>
    )
  }
  return (
    <section className={classes.section} aria-label="The program">
      <p>
        A program that calls itself <strong>{waiting.data.client || '(nothing)'}</strong> asks to act as{' '}
        <strong>{who}</strong>. It began <Moment at={waiting.data.created} /> and shows this code:
      </p>
      <p className={classes.code}>{codeOf(code)}</p>
      <p>
        Let it in only if you have started it yourself just now, and it shows the very same code. Who has sent you this
        link otherwise wants to act in your name.
      </p>
      {answer.isError && <Problem title="That was not done" error={answer.error} />}
      <Group gap="xs">
        <Button loading={answer.isPending && answer.variables} onClick={() => answer.mutate(true)}>
          Let it in
        </Button>
        <Button variant="default" loading={answer.isPending && !answer.variables} onClick={() => answer.mutate(false)}>
          Refuse
        </Button>
      </Group>
    </section>
  )
}

/** The code as the program shows it, whatever else the address has put beside it; see store/device_codes.py. */
function codeOf(typed: string): string {
  const letters = typed.toUpperCase().replace(/[^BCDFGHJKLMNPQRSTVWXZ]/g, '')
  return `${letters.slice(0, 4)}-${letters.slice(4)}`
}
