import { ActionIcon, Tooltip } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { Link, NavLink } from 'react-router'
import { isOnServer, placeKind } from '../api/place'
import { workspaceQuery } from '../api/queries'
import { Icon } from '../parts/Icon'
import { AccountMenu } from './AccountMenu'
import classes from './Header.module.css'
import type { Goal } from './navigation'
import { SchemeSwitch } from './SchemeSwitch'

interface Props {
  readonly goals: readonly Goal[]
  readonly onHelp: () => void
}

/** The portal's name, the workspace, the pages, who is signed in, the keys and the theme. */
export function Header({ goals, onHelp }: Props) {
  return (
    <header className={classes.header}>
      <Link to={goals[0]?.to ?? '/'} className={classes.brand}>
        <img src="/milepost.svg" alt="" width={22} height={22} />
        <span className={classes.name}>Milepost</span>
      </Link>
      <nav aria-label="Pages" className={classes.nav} data-crowded={isOnServer() || undefined}>
        {goals.map(({ to, label }) => (
          <NavLink key={to} to={to} className={classes.link}>
            {label}
          </NavLink>
        ))}
      </nav>
      <div className={classes.right}>
        {placeKind() !== 'server' && <WorkspaceName />}
        <Tooltip label="Keyboard ( ? )">
          <ActionIcon
            variant="subtle"
            color="gray"
            size="lg"
            aria-label="Keyboard"
            aria-haspopup="dialog"
            className={classes.keys}
            onClick={onHelp}
          >
            <Icon name="keyboard" />
          </ActionIcon>
        </Tooltip>
        <SchemeSwitch />
        {isOnServer() && <AccountMenu />}
      </div>
    </header>
  )
}

function WorkspaceName() {
  const { data } = useQuery(workspaceQuery())
  const isReader = data?.read_only || data?.role === 'reader'
  const told = `${data?.name ?? ''}${isReader ? ' (read only)' : ''}`
  if (!isOnServer()) {
    return (
      <span className={classes.workspace} title="Workspace">
        {told}
      </span>
    )
  }
  return (
    <a className={classes.workspace} href="/workspaces" title="Workspace; go to all of them">
      {told}
    </a>
  )
}
