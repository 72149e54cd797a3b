import { queryOptions } from '@tanstack/react-query'
import { get, path, send } from '../../api/http'
import type { Role } from '../../api/types'

/** Who has a role in the workspace. */
export interface Member {
  readonly name: string
  readonly kind: 'user' | 'service'
  readonly role: Role
  readonly since: string
  /** Its account is let in nowhere. */
  readonly is_disabled: boolean
}

export function membersQuery() {
  return queryOptions({
    queryKey: ['members'],
    queryFn: ({ signal }) => get<{ readonly members: readonly Member[] }>('/members', {}, signal),
  })
}

export function setMember(name: string, role: Role): Promise<unknown> {
  return send('PUT', path`/members/${name}`, { role })
}

export function removeMember(name: string): Promise<unknown> {
  return send('DELETE', path`/members/${name}`)
}
