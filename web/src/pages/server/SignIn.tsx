import { Button, Stack, TextInput } from '@mantine/core'
import { useMutation, useQuery } from '@tanstack/react-query'
import { type FormEvent, useRef, useState } from 'react'
import { useSearchParams } from 'react-router'
import { ApiError, serverUrl } from '../../api/http'
import { queryClient, sessionQuery } from '../../api/queries'
import type { SignedIn } from '../../api/types'
import { Problem } from '../../parts/Problem'
import { whereNext } from '../../state/sign_in'
import { Alone } from './Alone'
import { aboutQuery, sendServer } from './requests'

/** Why signing in at the issuer did not work, by the words of the server. */
const PROBLEMS: Readonly<Record<string, string>> = {
  disabled: 'Your account is disabled: ask an administrator of this server.',
  expired: 'It took too long, or was begun in another browser. Try again.',
  refused: 'You were not let in there, or have gone back. Try again.',
  unavailable: 'It does not answer just now. Try again later.',
  unknown: 'You have no account at this server: ask one of its administrators.',
}

/** Where people sign in; it leads back to the page that they asked for. */
export function SignIn() {
  const [params] = useSearchParams()
  const next = whereNext(params.get('next'), location.origin)
  const problem = params.get('problem')
  const session = useQuery(sessionQuery())
  const about = useQuery(aboutQuery())
  const [name, setName] = useState('')
  const [password, setPassword] = useState('')
  const box = useRef<HTMLInputElement>(null)
  const enter = useMutation({
    mutationFn: () => sendServer<SignedIn>('POST', '/session', { name: name.trim(), password }),
    onSuccess: () => location.replace(next),
    onError: () => {
      setPassword('')
      box.current?.focus()
    },
  })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    enter.mutate()
  }
  if (session.data?.account) return <SignedInAlready name={session.data.account} next={next} />
  return (
    <Alone title="Sign in">
      {about.data?.needs_setup && (
        <p>
          This server has no accounts yet. Open the link that <code>milepost server</code> has printed at its start: it
          makes the first one.
        </p>
      )}
      {problem !== null && (
        <Problem
          title={`You are not signed in${about.data?.sign_in_with ? ` with ${about.data.sign_in_with}` : ''}`}
          error={new Error(PROBLEMS[problem] ?? 'That did not work. Try again.')}
        />
      )}
      {about.data?.sign_in_with && (
        <>
          <Button component="a" fullWidth href={issuerAddress(next)}>
            Sign in with {about.data.sign_in_with}
          </Button>
          <p>or with a password of this server:</p>
        </>
      )}
      <form onSubmit={submit}>
        <Stack>
          <TextInput
            label="Name"
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
          <TextInput
            ref={box}
            label="Password"
            type="password"
            name="password"
            autoComplete="current-password"
            required
            maxLength={1000}
            value={password}
            onChange={(event) => setPassword(event.currentTarget.value)}
          />
          {enter.isError && <Problem title="You are not signed in" error={inPlainWords(enter.error)} />}
          <Button
            type="submit"
            variant={about.data?.sign_in_with ? 'default' : 'filled'}
            loading={enter.isPending || enter.isSuccess}
          >
            Sign in
          </Button>
        </Stack>
      </form>
      <p>No account, or the password forgotten? Ask an administrator of this server.</p>
    </Alone>
  )
}

/** Where the issuer is asked; `next` is the whole address of a page of ours. */
function issuerAddress(next: string): string {
  const { pathname, search, hash } = new URL(next)
  return `${serverUrl('/oidc/login')}?onward=${encodeURIComponent(pathname + search + hash)}`
}

function inPlainWords(error: Error): Error {
  return error instanceof ApiError && error.code === 'wrong_password'
    ? new Error('The name or the password is wrong.')
    : error
}

function SignedInAlready({ name, next }: { readonly name: string; readonly next: string }) {
  const leave = useMutation({
    mutationFn: () => sendServer('DELETE', '/session'),
    onSuccess: () => queryClient.invalidateQueries(sessionQuery()),
  })
  return (
    <Alone title="You are signed in">
      <p>
        This browser is signed in as <strong>{name}</strong>.
      </p>
      {leave.isError && <Problem title="Signing out did not work" error={leave.error} />}
      <Stack>
        <Button component="a" href={next}>
          Go on
        </Button>
        <Button variant="default" loading={leave.isPending} onClick={() => leave.mutate()}>
          Sign in as somebody else
        </Button>
      </Stack>
    </Alone>
  )
}
