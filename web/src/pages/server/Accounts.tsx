import { Badge, Button, Menu, Modal, Table } from '@mantine/core'
import { useMutation, useQuery } from '@tanstack/react-query'
import { type JSX, useRef, useState } from 'react'
import { path } from '../../api/http'
import { queryClient, sessionQuery } from '../../api/queries'
import { Ask } from '../../parts/Ask'
import { Empty } from '../../parts/Empty'
import { formatCount } from '../../parts/format'
import { Loading } from '../../parts/Loading'
import { Moment } from '../../parts/Moment'
import { PageTitle } from '../../parts/PageTitle'
import { Problem } from '../../parts/Problem'
import { SearchBox } from '../../parts/SearchBox'
import { useAddress } from '../../state/address'
import { useKeys } from '../../state/keys'
import { useTyped } from '../../state/typed'
import { matches } from './matches'
import { NewAccountForm } from './NewAccountForm'
import { PasswordForm } from './PasswordForm'
import { type Account, accountsQuery, sendServer } from './requests'
import classes from './server.module.css'
import { Tokens } from './Tokens'

type Asked = { readonly what: 'delete' | 'disable' | 'password' | 'tokens'; readonly account: Account }

/** All people and programs that have an account; for the server's administrators. */
export function Accounts(): JSX.Element {
  const address = useAddress()
  const search = address.get('search') ?? ''
  const [typed, type] = useTyped(address, 'search')
  const [isMaking, setMaking] = useState(false)
  const [asked, setAsked] = useState<Asked | null>(null)
  const [told, setTold] = useState('')
  const box = useRef<HTMLInputElement>(null)
  const status = useRef<HTMLParagraphElement>(null)
  const own = useQuery(sessionQuery()).data?.account
  const query = useQuery(accountsQuery())
  const all = query.data?.accounts ?? []
  const found = all.filter(({ name, email }) => matches(search, name, email))
  useKeys({ '/': { does: 'Search the accounts', act: () => box.current?.focus() } })
  const done = (said: string) => {
    setTold(said)
    setAsked(null)
    setMaking(false)
    status.current?.focus({ preventScroll: true })
    void queryClient.invalidateQueries(accountsQuery())
  }
  const change = useMutation({
    mutationFn: ({ account, changes }: { account: Account; changes: Partial<Record<string, boolean>>; said: string }) =>
      sendServer('PATCH', path`/accounts/${account.name}`, changes),
    onSuccess: (_, { said }) => done(said),
  })
  return (
    <>
      <PageTitle title="People and programs">
        <SearchBox ref={box} label="Search accounts" value={typed} onType={type} onDown={() => undefined} />
        <Button onClick={() => setMaking(true)}>New account</Button>
      </PageTitle>
      {query.isPending && <Loading what="the accounts" />}
      {query.isError && (
        <Problem title="The accounts could not be read" error={query.error} onRetry={() => query.refetch()} />
      )}
      {change.isError && <Problem title="The account was not changed" error={change.error} />}
      <p ref={status} role="status" tabIndex={-1} className={classes.told}>
        {told || (query.isSuccess && formatCount(found.length, 'account'))}
      </p>
      {query.isSuccess && found.length === 0 && (
        <Empty title="Nothing matches">
          <p>No account has “{search}” in its name or e-mail address.</p>
        </Empty>
      )}
      {found.length > 0 && (
        <div className={classes.box}>
          <Table highlightOnHover verticalSpacing="xs">
            <Table.Thead>
              <Table.Tr>
                <Table.Th>Name</Table.Th>
                <Table.Th className={classes.wide}>Kind</Table.Th>
                <Table.Th className={classes.wide}>Signs in with</Table.Th>
                <Table.Th className={classes.wide}>Made</Table.Th>
                <Table.Th>
                  <span className="sr-only">Change</span>
                </Table.Th>
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {found.map((account) => (
                <Table.Tr key={account.id}>
                  <Table.Th scope="row">
                    <span className={classes.name}>{account.name}</span>{' '}
                    {account.is_admin && <Badge variant="default">administrator</Badge>}{' '}
                    {account.disabled && <Badge color="gray">disabled</Badge>}
                    {account.email && <div className={classes.note}>{account.email}</div>}
                  </Table.Th>
                  <Table.Td className={classes.wide}>{account.kind === 'user' ? 'person' : 'program'}</Table.Td>
                  <Table.Td className={classes.wide}>{signsInWith(account)}</Table.Td>
                  <Table.Td className={classes.wide}>
                    <Moment at={account.created} />
                  </Table.Td>
                  <Table.Td ta="right">
                    <Menu position="bottom-end">
                      <Menu.Target>
                        <Button size="compact-sm" variant="default" aria-label={`Change ${account.name}`}>
                          Change
                        </Button>
                      </Menu.Target>
                      <Menu.Dropdown>
                        <Menu.Item onClick={() => setAsked({ what: 'tokens', account })}>Tokens</Menu.Item>
                        {account.kind === 'user' && (
                          <Menu.Item onClick={() => setAsked({ what: 'password', account })}>
                            {account.has_password ? 'Another password' : 'Give a password'}
                          </Menu.Item>
                        )}
                        {account.kind === 'user' && account.name !== own && (
                          <Menu.Item
                            onClick={() =>
                              change.mutate({
                                account,
                                changes: { is_admin: !account.is_admin },
                                said: `${account.name} is ${account.is_admin ? 'no administrator any more' : 'an administrator now'}.`,
                              })
                            }
                          >
                            {account.is_admin ? 'No longer an administrator' : 'Make an administrator'}
                          </Menu.Item>
                        )}
                        {account.name !== own && (
                          <>
                            <Menu.Item
                              onClick={() =>
                                account.disabled
                                  ? change.mutate({
                                      account,
                                      changes: { disabled: false },
                                      said: `${account.name} is let in again.`,
                                    })
                                  : setAsked({ what: 'disable', account })
                              }
                            >
                              {account.disabled ? 'Let in again' : 'Disable'}
                            </Menu.Item>
                            <Menu.Item onClick={() => setAsked({ what: 'delete', account })}>Delete</Menu.Item>
                          </>
                        )}
                      </Menu.Dropdown>
                    </Menu>
                  </Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        </div>
      )}
      {isMaking && (
        <NewAccountForm onClose={() => setMaking(false)} onMade={(name) => done(`${name} has an account now.`)} />
      )}
      {asked && <Question asked={asked} onClose={() => setAsked(null)} onDone={done} />}
    </>
  )
}

interface QuestionProps {
  readonly asked: Asked
  readonly onClose: () => void
  readonly onDone: (said: string) => void
}

function Question({ asked: { what, account }, onClose, onDone }: QuestionProps) {
  const one = path`/accounts/${account.name}`
  switch (what) {
    case 'tokens':
      return (
        <Modal
          opened
          onClose={onClose}
          size="xl"
          title={`Tokens of ${account.name}`}
          closeButtonProps={{ 'aria-label': 'Close' }}
        >
          <Tokens account={account.name} mayMake={account.kind === 'service'} />
        </Modal>
      )
    case 'password':
      return <PasswordForm account={account} onClose={onClose} onDone={onDone} />
    case 'disable':
      return (
        <Ask
          title="Disable an account"
          verb="Disable"
          act={() => sendServer('PATCH', one, { disabled: true })}
          onClose={onClose}
          onDone={() => onDone(`${account.name} is let in nowhere.`)}
        >
          <strong>{account.name}</strong> is let in nowhere, with no browser and no token, until it is allowed again. It
          keeps its roles and tokens.
        </Ask>
      )
    case 'delete':
      return (
        <Ask
          title="Delete an account"
          verb="Delete"
          act={() => sendServer('DELETE', one)}
          onClose={onClose}
          onDone={() => onDone(`${account.name} was deleted.`)}
        >
          The account <strong>{account.name}</strong> is gone for good, with its roles and tokens. What it has recorded
          stays.
        </Ask>
      )
  }
}

function signsInWith({ kind, has_password, issuer }: Account): string {
  if (kind === 'service') return 'tokens'
  if (issuer) return issuer
  return has_password ? 'password' : 'nothing yet'
}
