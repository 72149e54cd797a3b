import { Anchor, Button, Group, Modal, Table, TextInput } from '@mantine/core'
import { useMutation, useQuery } from '@tanstack/react-query'
import { type FormEvent, useRef, useState } from 'react'
import { Empty } from '../../parts/Empty'
import { formatCount } from '../../parts/format'
import { Loading } from '../../parts/Loading'
import { PageTitle } from '../../parts/PageTitle'
import { Problem } from '../../parts/Problem'
import { SearchBox } from '../../parts/SearchBox'
import { useAddress } from '../../state/address'
import { useKeys } from '../../state/keys'
import { ROLE_NAMES } from '../../state/roles'
import { rowKeys, step } from '../../state/row_keys'
import { useTyped } from '../../state/typed'
import { matches } from './matches'
import { sendServer, type WorkspaceRow, workspacesQuery } from './requests'
import classes from './server.module.css'

const CONFIG = `{
  "url": "SERVER",
  "workspace_name": "NAME"
}`

/** The workspaces that who is signed in may see. */
export function Workspaces() {
  const address = useAddress()
  const search = address.get('search') ?? ''
  const [typed, type] = useTyped(address, 'search')
  const [isMaking, setMaking] = useState(false)
  const box = useRef<HTMLInputElement>(null)
  const table = useRef<HTMLDivElement>(null)
  const query = useQuery(workspacesQuery())
  const all = query.data?.workspaces ?? []
  const found = all.filter(({ name }) => matches(search, name))
  useKeys({
    '/': { does: 'Search the workspaces', act: () => box.current?.focus() },
    ...rowKeys(table, 'workspace'),
  })
  return (
    <>
      <PageTitle title="Workspaces">
        <SearchBox
          ref={box}
          label="Search workspaces"
          value={typed}
          onType={type}
          onDown={() => step(table.current, 1)}
        />
        {query.data?.may_create && <Button onClick={() => setMaking(true)}>New workspace</Button>}
      </PageTitle>
      {query.isPending && <Loading what="the workspaces" />}
      {query.isError && (
        <Problem title="The workspaces could not be read" error={query.error} onRetry={() => query.refetch()} />
      )}
      <p className={classes.told} role="status">
        {query.isSuccess && all.length > 0 && formatCount(found.length, 'workspace')}
      </p>
      {found.length > 0 && (
        <div ref={table} className={classes.box}>
          <Table highlightOnHover verticalSpacing="xs">
            <Table.Thead>
              <Table.Tr>
                <Table.Th>Workspace</Table.Th>
                <Table.Th>Your role</Table.Th>
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {found.map((each) => (
                <Table.Tr key={each.id}>
                  <Table.Th scope="row">
                    <Anchor href={workspaceAddress(each.name)} className={classes.name}>
                      {each.name}
                    </Anchor>
                  </Table.Th>
                  <Table.Td>{ROLE_NAMES[each.role]}</Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        </div>
      )}
      {query.isSuccess && all.length === 0 && <NoWorkspaces mayCreate={query.data.may_create} />}
      {all.length > 0 && found.length === 0 && (
        <Empty title="Nothing matches">
          <p>No workspace that you may see has “{search}” in its name.</p>
          <Button variant="default" onClick={() => address.set({ search: null }, { push: true })}>
            Clear the search
          </Button>
        </Empty>
      )}
      {isMaking && <NewWorkspace onClose={() => setMaking(false)} />}
    </>
  )
}

function workspaceAddress(name: string): string {
  return `/workspaces/${encodeURIComponent(name)}/experiments`
}

function NoWorkspaces({ mayCreate }: { readonly mayCreate: boolean }) {
  return (
    <Empty title="You are a member of no workspace yet">
      {mayCreate ? (
        <p>Make one, or ask the owner of one to let you in. Scripts record into it with this config.json:</p>
      ) : (
        <p>
          Ask the owner of one to let you in, or an administrator to make one. Scripts record with this config.json:
        </p>
      )}
      <pre>{CONFIG.replace('SERVER', location.origin)}</pre>
    </Empty>
  )
}

function NewWorkspace({ onClose }: { readonly onClose: () => void }) {
  const [name, setName] = useState('')
  const make = useMutation({
    mutationFn: () => sendServer<WorkspaceRow>('POST', '/workspaces', { name: name.trim() }),
    onSuccess: (made) => location.assign(workspaceAddress(made.name)),
  })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    make.mutate()
  }
  return (
    <Modal opened onClose={onClose} title="New workspace" closeButtonProps={{ 'aria-label': 'Close' }}>
      <form onSubmit={submit} className={classes.form}>
        <TextInput
          label="Name"
          description="Letters, digits and . _ - ; a letter or digit first. You will be its owner."
          data-autofocus
          required
          maxLength={255}
          pattern="[A-Za-z0-9][A-Za-z0-9._\-]*"
          autoCapitalize="none"
          spellCheck={false}
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
        />
        {make.isError && <Problem title="The workspace was not made" error={make.error} />}
        <Group justify="flex-end" gap="xs">
          <Button variant="default" onClick={onClose}>
            Not now
          </Button>
          <Button type="submit" loading={make.isPending || make.isSuccess}>
            Make it
          </Button>
        </Group>
      </form>
    </Modal>
  )
}
