import { placeKind } from '../api/place'

/** A page that the head of all pages leads to. */
export interface Goal {
  readonly to: string
  readonly label: string
  /** Its keys, and what the list of keys says of them. */
  readonly keys: string
  readonly does: string
  /** Of a server: only for its administrators. */
  readonly isAdmins?: boolean
}

const OF_WORKSPACE: readonly Goal[] = [
  { to: '/experiments', label: 'Experiments', keys: 'g e', does: 'Go to the experiments' },
  { to: '/models', label: 'Models', keys: 'g m', does: 'Go to the models' },
  { to: '/compute', label: 'Compute', keys: 'g c', does: 'Go to compute' },
]

const OF_SERVER: readonly Goal[] = [
  { to: '/workspaces', label: 'Workspaces', keys: 'g w', does: 'Go to the workspaces' },
  { to: '/account', label: 'Account', keys: 'g a', does: 'Go to your account' },
  { to: '/accounts', label: 'People', keys: 'g p', does: 'Go to the accounts of all', isAdmins: true },
  { to: '/audit', label: 'Audit', keys: 'g l', does: 'Go to the audit log', isAdmins: true },
]

/** Where the head of this page leads. */
export function goals(isAdmin: boolean): readonly Goal[] {
  return placeKind() === 'server' ? OF_SERVER.filter((each) => isAdmin || !each.isAdmins) : OF_WORKSPACE
}
