import { Button, Checkbox, Group, Table, Title } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { type JSX, useRef, useState } from 'react'
import { path } from '../../api/http'
import { queryClient } from '../../api/queries'
import { Ask } from '../../parts/Ask'
import { Empty } from '../../parts/Empty'
import { formatDate } from '../../parts/format'
import { Loading } from '../../parts/Loading'
import { Moment } from '../../parts/Moment'
import { Problem } from '../../parts/Problem'
import { ROLE_NAMES } from '../../state/roles'
import { NewTokenForm } from './NewTokenForm'
import { sendServer, type Token, tokensPath, tokensQuery } from './requests'
import classes from './server.module.css'

interface Props {
  /** Whose they are; null: one's own. */
  readonly account: string | null
  /** People make their own: nobody else is to act in their name. */
  readonly mayMake?: boolean
}

/** What scripts show instead of a password: made here, shown once, revoked here. */
export function Tokens({ account, mayMake = true }: Props): JSX.Element {
  const query = useQuery(tokensQuery(account))
  const [isMaking, setMaking] = useState(false)
  const [asked, setAsked] = useState<Token | 'all' | null>(null)
  const [isAll, setAll] = useState(false)
  const [told, setTold] = useState('')
  const status = useRef<HTMLParagraphElement>(null)
  const all = query.data?.tokens ?? []
  const shown = all.filter((token) => isAll || endOf(token) === null)
  const reread = () => queryClient.invalidateQueries(tokensQuery(account))
  return (
    <section className={classes.section} aria-labelledby="tokens">
      <div className={classes.heading}>
        <Title order={2} size="h4" id="tokens">
          Tokens
        </Title>
        <Group gap="xs">
          {all.filter((token) => endOf(token) === null).length > 1 && (
            <Button variant="default" onClick={() => setAsked('all')}>
              Revoke all
            </Button>
          )}
          {mayMake && (
            <Button variant="default" onClick={() => setMaking(true)}>
              New token
            </Button>
          )}
        </Group>
      </div>
      <p ref={status} role="status" tabIndex={-1} className={classes.told}>
        {told}
      </p>
      {query.isPending && <Loading what="the tokens" />}
      {query.isError && <Problem title="The tokens could not be read" error={query.error} onRetry={query.refetch} />}
      {query.isSuccess && shown.length === 0 && (
        <Empty title="There is no token that is good">
          <p>A script on a machine without a browser signs in with one:</p>
          <pre>{`export MILEPOST_URL=${location.origin}\nexport MILEPOST_TOKEN=...`}</pre>
        </Empty>
      )}
      {shown.length > 0 && (
        <div className={classes.box}>
          <Table verticalSpacing="xs">
            <Table.Thead>
              <Table.Tr>
                <Table.Th>Token</Table.Th>
                <Table.Th className={classes.wide}>For</Table.Th>
                <Table.Th className={classes.wide}>Made</Table.Th>
                <Table.Th className={classes.wide}>Last used</Table.Th>
                <Table.Th className={classes.wide}>Good until</Table.Th>
                <Table.Th>
                  <span className="sr-only">Revoke</span>
                </Table.Th>
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {shown.map((token) => (
                <Table.Tr key={token.id}>
                  <Table.Th scope="row">
                    <span className={classes.name}>{token.name}</span>
                    <div className={`${classes.note} ${classes.narrow}`}>
                      {scopeOf(token)}; {endOf(token) ?? `good until ${untilOf(token)}`}
                    </div>
                  </Table.Th>
                  <Table.Td className={classes.wide}>{scopeOf(token)}</Table.Td>
                  <Table.Td className={classes.wide}>
                    <Moment at={token.created} />
                  </Table.Td>
                  <Table.Td className={classes.wide}>{token.used ? <Moment at={token.used} /> : 'never'}</Table.Td>
                  <Table.Td className={classes.wide}>{untilOf(token)}</Table.Td>
                  <Table.Td ta="right">
                    {endOf(token) === null && (
                      <Button
                        size="compact-sm"
                        variant="default"
                        aria-label={`Revoke ${token.name}`}
                        onClick={() => setAsked(token)}
                      >
                        Revoke
                      </Button>
                    )}
                  </Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        </div>
      )}
      {all.some((token) => endOf(token) !== null) && (
        <Checkbox
          mt="sm"
          label="Also those that are revoked or expired"
          checked={isAll}
          onChange={(event) => setAll(event.currentTarget.checked)}
        />
      )}
      {isMaking && <NewTokenForm account={account} onMade={reread} onClose={() => setMaking(false)} />}
      {asked && (
        <Ask
          title={asked === 'all' ? 'Revoke all tokens' : 'Revoke a token'}
          verb={asked === 'all' ? 'Revoke all' : 'Revoke'}
          act={() => sendServer('DELETE', `${tokensPath(account)}${asked === 'all' ? '' : path`/${asked.id}`}`)}
          onClose={() => setAsked(null)}
          onDone={() => {
            setTold(asked === 'all' ? 'All tokens were revoked.' : `${asked.name} was revoked.`)
            setAsked(null)
            status.current?.focus({ preventScroll: true }) // the row is gone
            void reread()
          }}
        >
          Whatever uses {asked === 'all' ? 'one of these tokens' : <strong>{asked.name}</strong>} is let in no more,
          within a few seconds. What it has recorded stays; what a training has still to deliver waits on its machine
          for another token.
        </Ask>
      )}
    </section>
  )
}

function scopeOf({ workspace, role }: Token): string {
  const what = role === null ? 'all that the account may do' : `${ROLE_NAMES[role].toLowerCase()} at most`
  return workspace === null ? what : `${workspace}: ${what}`
}

function untilOf(token: Token): string {
  const end = endOf(token)
  if (end !== null) return end
  return token.expires === null ? 'it is revoked' : formatDate(token.expires)
}

/** Why it is good no more; null where it is. */
function endOf({ revoked, expires }: Token): string | null {
  if (revoked !== null) return `revoked ${formatDate(revoked)}`
  if (expires !== null && Date.parse(expires) < Date.now()) return `expired ${formatDate(expires)}`
  return null
}
