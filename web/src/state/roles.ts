import type { Role } from '../api/types'

/** What a role allows, to choose from. */
export const ROLES: readonly { readonly value: Role; readonly label: string }[] = [
  { value: 'reader', label: 'Reader: sees all' },
  { value: 'contributor', label: 'Contributor: records, changes' },
  { value: 'owner', label: 'Owner: lets others in, too' },
]

export const ROLE_NAMES: Readonly<Record<Role, string>> = {
  reader: 'Reader',
  contributor: 'Contributor',
  owner: 'Owner',
}
