import { infiniteQueryOptions, queryOptions } from '@tanstack/react-query'
import { path, read, serverUrl, write } from '../../api/http'
import type { Role } from '../../api/types'

/** What the API of a server gives of people, programs and workspaces. */

export interface AboutServer {
  readonly version: string
  readonly public_url: string
  readonly account: string | null
  readonly is_admin: boolean
  /** What people may sign in with besides a password: an issuer of OpenID Connect. */
  readonly sign_in_with: string | null
  /** There is no account yet. */
  readonly needs_setup: boolean
}

export interface WorkspaceRow {
  readonly name: string
  readonly id: string
  readonly role: Role
}

export interface Workspaces {
  readonly workspaces: readonly WorkspaceRow[]
  readonly may_create: boolean
}

export interface Account {
  readonly id: string
  readonly name: string
  readonly kind: 'user' | 'service'
  readonly email: string | null
  readonly is_admin: boolean
  readonly has_password: boolean
  /** Of OpenID Connect, where the account signs in there. */
  readonly issuer: string | null
  readonly created: string
  /** Since when it is let in nowhere. */
  readonly disabled: string | null
}

export interface OwnAccount {
  readonly account: Account
  readonly roles: Readonly<Record<string, Role>>
}

export interface Token {
  readonly id: string
  readonly name: string
  /** The only one that it is for. */
  readonly workspace: string | null
  /** The most that it may do. */
  readonly role: Role | null
  readonly created: string
  readonly expires: string | null
  readonly used: string | null
  readonly revoked: string | null
}

export interface NewToken {
  readonly name: string
  readonly workspace: string | null
  readonly role: Role | null
  readonly expires_days: number | null
}

export interface MadeToken {
  readonly token: string
  readonly row: Token
}

export interface Deed {
  readonly key: number
  readonly at: string
  readonly action: string
  readonly subject: string
  readonly account: string
  readonly address: string
  readonly workspace: string | null
  readonly detail: Readonly<Record<string, unknown>>
}

interface Deeds {
  readonly deeds: readonly Deed[]
  /** For the next page. */
  readonly before: number | null
}

/** A program that waits to be let in. */
export interface Waiting {
  readonly client: string
  readonly created: string
  readonly expires: string
}

export function aboutQuery() {
  return queryOptions({
    queryKey: ['server'],
    queryFn: ({ signal }) => read<AboutServer>(serverUrl('/server'), signal),
  })
}

export function workspacesQuery() {
  return queryOptions({
    queryKey: ['workspaces'],
    queryFn: ({ signal }) => read<Workspaces>(serverUrl('/workspaces'), signal),
  })
}

export function accountQuery() {
  return queryOptions({
    queryKey: ['account'],
    queryFn: ({ signal }) => read<OwnAccount>(serverUrl('/account'), signal),
  })
}

export function accountsQuery() {
  return queryOptions({
    queryKey: ['accounts'],
    queryFn: ({ signal }) => read<{ readonly accounts: readonly Account[] }>(serverUrl('/accounts'), signal),
  })
}

/** Where the tokens of somebody are: one's own, or those of an account by its name. */
export function tokensPath(account: string | null): string {
  return account === null ? '/account/tokens' : path`/accounts/${account}/tokens`
}

export function tokensQuery(account: string | null) {
  return queryOptions({
    queryKey: ['tokens', account],
    queryFn: ({ signal }) => read<{ readonly tokens: readonly Token[] }>(serverUrl(tokensPath(account)), signal),
  })
}

const DEEDS = 100

export function auditQuery(workspace: string) {
  return infiniteQueryOptions({
    queryKey: ['audit', workspace],
    initialPageParam: null as number | null,
    queryFn: ({ pageParam, signal }) => {
      const params = new URLSearchParams({ limit: String(DEEDS) })
      if (workspace) params.set('workspace', workspace)
      if (pageParam !== null) params.set('before', String(pageParam))
      return read<Deeds>(serverUrl(`/audit?${params}`), signal)
    },
    getNextPageParam: (last) => last.before,
  })
}

export function deviceQuery(code: string) {
  return queryOptions({
    queryKey: ['device', code],
    queryFn: ({ signal }) => read<Waiting>(serverUrl(path`/device/codes/${code}`), signal),
    retry: false,
    refetchOnWindowFocus: false,
    staleTime: Number.POSITIVE_INFINITY, // guesses are counted
  })
}

export function sendServer<T>(method: 'POST' | 'PUT' | 'PATCH' | 'DELETE', route: string, body?: unknown): Promise<T> {
  return write<T>(method, serverUrl(route), body)
}
