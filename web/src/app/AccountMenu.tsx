import { Menu, UnstyledButton } from '@mantine/core'
import { useMutation, useQuery } from '@tanstack/react-query'
import { serverUrl, write } from '../api/http'
import { pagesBase, placeKind } from '../api/place'
import { sessionQuery, workspaceQuery } from '../api/queries'
import { Icon } from '../parts/Icon'
import classes from './Header.module.css'

/** Who is signed in at a server, what is theirs, and the way out. */
export function AccountMenu() {
  const session = useQuery(sessionQuery())
  const workspace = useQuery({ ...workspaceQuery(), enabled: placeKind() === 'workspace' })
  const leave = useMutation({
    mutationFn: () => write('DELETE', serverUrl('/session')),
    onSuccess: () => location.assign('/sign-in'),
  })
  const name = session.data?.account
  if (!name) return null
  return (
    <Menu position="bottom-end" width={230}>
      <Menu.Target>
        <UnstyledButton className={classes.account} aria-label={`Signed in as ${name}`} title={`Signed in as ${name}`}>
          <Icon name="person" />
          <span className={classes.who}>{name}</span>
        </UnstyledButton>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label className={classes.whoWhere}>
          {name}
          {workspace.data && ` in ${workspace.data.name}`}
        </Menu.Label>
        <Menu.Item component="a" href="/account">
          Account and tokens
        </Menu.Item>
        <Menu.Item component="a" href="/workspaces">
          All workspaces
        </Menu.Item>
        {workspace.data?.role === 'owner' && (
          <Menu.Item component="a" href={`${pagesBase()}/members`}>
            Members of this workspace
          </Menu.Item>
        )}
        {session.data?.is_admin && (
          <Menu.Item component="a" href="/accounts">
            Administration
          </Menu.Item>
        )}
        <Menu.Divider />
        <Menu.Item closeMenuOnClick={false} disabled={leave.isPending} onClick={() => leave.mutate()}>
          {leave.isError ? 'Signing out did not work: try again' : 'Sign out'}
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  )
}
