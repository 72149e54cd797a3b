import { useQuery } from '@tanstack/react-query'
import { Link, NavLink } from 'react-router'
import { workspaceQuery } from '../api/queries'
import classes from './Header.module.css'
import { SchemeSwitch } from './SchemeSwitch'

const PAGES = [
  { to: '/experiments', label: 'Experiments' },
  { to: '/models', label: 'Models' },
  { to: '/compute', label: 'Compute' },
] as const

/** The portal's name, the workspace, the pages and the theme. */
export function Header() {
  const workspace = useQuery(workspaceQuery())
  return (
    <header className={classes.header}>
      <Link to="/experiments" className={classes.brand}>
        <img src="/milepost.svg" alt="" width={22} height={22} />
        Milepost
      </Link>
      <nav aria-label="Pages" className={classes.nav}>
        {PAGES.map(({ to, label }) => (
          <NavLink key={to} to={to} className={classes.link}>
            {label}
          </NavLink>
        ))}
      </nav>
      <div className={classes.right}>
        <span className={classes.workspace} title="Workspace">
          {workspace.data?.name}
          {workspace.data?.read_only ? ' (read only)' : ''}
        </span>
        <SchemeSwitch />
      </div>
    </header>
  )
}
