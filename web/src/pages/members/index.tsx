import { Badge, Button, Select, Table, TextInput } from '@mantine/core'
import { useMutation, useQuery } from '@tanstack/react-query'
import { type FormEvent, type JSX, useRef, useState } from 'react'
import { ApiError } from '../../api/http'
import { queryClient, sessionQuery } from '../../api/queries'
import type { Role } from '../../api/types'
import { Ask } from '../../parts/Ask'
import { Empty } from '../../parts/Empty'
import { Loading } from '../../parts/Loading'
import { Moment } from '../../parts/Moment'
import { PageTitle } from '../../parts/PageTitle'
import { Problem } from '../../parts/Problem'
import { ROLE_NAMES, ROLES } from '../../state/roles'
import classes from './members.module.css'
import { type Member, membersQuery, removeMember, setMember } from './requests'

/** Who may do what in this workspace; for its owners. */
export default function MembersPage(): JSX.Element {
  const query = useQuery(membersQuery())
  const own = useQuery(sessionQuery()).data?.account
  const [removed, setRemoved] = useState<Member | null>(null)
  const [told, setTold] = useState('')
  const status = useRef<HTMLParagraphElement>(null)
  const change = useMutation({
    mutationFn: ({ name, role }: { name: string; role: Role }) => setMember(name, role),
    onSuccess: (_, { name, role }) => setTold(`${name} is ${ROLE_NAMES[role].toLowerCase()} now.`),
    onSettled: () => queryClient.invalidateQueries({ queryKey: ['members'] }),
  })
  const members = query.data?.members ?? []
  if (query.error instanceof ApiError && query.error.status === 403) {
    return (
      <>
        <PageTitle title="Members" />
        <Empty title="Members are for the owners of a workspace">
          <p>Ask one of them if somebody is to be let in, or is to do more or less.</p>
        </Empty>
      </>
    )
  }
  return (
    <>
      <PageTitle title="Members" />
      {query.isPending && <Loading what="the members" />}
      {query.isError && (
        <Problem title="The members could not be read" error={query.error} onRetry={() => query.refetch()} />
      )}
      {query.isSuccess && <NewMember onAdd={(name, role) => change.mutateAsync({ name, role })} />}
      {change.isError && <Problem title="The role was not given" error={change.error} />}
      <p ref={status} role="status" tabIndex={-1} className={classes.told}>
        {told}
      </p>
      {query.isSuccess && members.length === 0 && (
        <Empty title="There are no members yet">
          <p>Only the administrators of the server see this workspace, until somebody is let in.</p>
        </Empty>
      )}
      {members.length > 0 && (
        <div className={classes.box}>
          <Table verticalSpacing="xs">
            <Table.Thead>
              <Table.Tr>
                <Table.Th>Name</Table.Th>
                <Table.Th>Role</Table.Th>
                <Table.Th className={classes.wide}>Since</Table.Th>
                <Table.Th>
                  <span className="sr-only">Remove</span>
                </Table.Th>
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {members.map((member) => (
                <Table.Tr key={member.name}>
                  <Table.Th scope="row" className={classes.name}>
                    {member.name} {member.kind === 'service' && <Badge variant="default">program</Badge>}{' '}
                    {member.is_disabled && <Badge color="gray">disabled</Badge>}
                  </Table.Th>
                  <Table.Td>
                    {member.name === own ? (
                      ROLE_NAMES[member.role]
                    ) : (
                      <Select
                        aria-label={`Role of ${member.name}`}
                        className={classes.narrowRole}
                        data={ROLES.map(({ value }) => ({ value, label: ROLE_NAMES[value] }))}
                        allowDeselect={false}
                        value={member.role}
                        onChange={(role) => role && change.mutate({ name: member.name, role: role as Role })}
                      />
                    )}
                  </Table.Td>
                  <Table.Td className={classes.wide}>
                    <Moment at={member.since} />
                  </Table.Td>
                  <Table.Td ta="right">
                    {member.name !== own && (
                      <Button
                        size="compact-sm"
                        variant="default"
                        aria-label={`Remove ${member.name}`}
                        onClick={() => setRemoved(member)}
                      >
                        Remove
                      </Button>
                    )}
                  </Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        </div>
      )}
      <p className={classes.note}>The administrators of the server may do everything here too, and are not listed.</p>
      {removed && (
        <Ask
          title="Remove a member"
          verb="Remove"
          act={() => removeMember(removed.name)}
          onClose={() => setRemoved(null)}
          onDone={() => {
            setTold(`${removed.name} sees nothing of this workspace any more.`)
            setRemoved(null)
            status.current?.focus({ preventScroll: true }) // the row is gone
            void queryClient.invalidateQueries({ queryKey: ['members'] })
          }}
        >
          <strong>{removed.name}</strong> sees nothing of this workspace any more, with a browser or a token. What they
          have recorded stays.
        </Ask>
      )}
    </>
  )
}

function NewMember({ onAdd }: { readonly onAdd: (name: string, role: Role) => Promise<unknown> }) {
  const [name, setName] = useState('')
  const [role, setRole] = useState<Role>('contributor')
  const submit = (event: FormEvent) => {
    event.preventDefault()
    onAdd(name.trim(), role).then(
      () => setName(''),
      () => undefined, // it is told above the table
    )
  }
  return (
    <form onSubmit={submit} className={classes.add}>
      <TextInput
        label="Let in"
        placeholder="Name of the account"
        required
        maxLength={128}
        autoCapitalize="none"
        autoComplete="off"
        spellCheck={false}
        value={name}
        onChange={(event) => setName(event.currentTarget.value)}
      />
      <Select
        label="As"
        className={classes.role}
        data={ROLES}
        allowDeselect={false}
        value={role}
        onChange={(value) => value && setRole(value as Role)}
      />
      <Button type="submit">Let in</Button>
    </form>
  )
}
