/**
 * Where the API is for this page: the one module that knows.
 *
 * - An embedded portal has one workspace, and its pages begin at /. The portal's link brings a key behind its #: the cookie
 *   of this portal is for addresses with that key alone, and the key is kept where pages of other ports cannot look. See
 *   server/session_path.py.
 * - A team's server has many: the pages and the API of one begin with /workspaces/NAME, those of the server itself with
 *   nothing. Its cookie is for all of them. Links from one to the other load the page anew, so that nothing of one
 *   workspace is ever taken for something of another.
 */

const KEPT = 'milepost-session'
const GIVEN = /^#session=([\w-]+)$/
const WORKSPACE = /^\/workspaces\/[^/]+/

/** Where there is no storage: in the browsers whose settings forbid it. */
let held = ''
/** In a worker: what the page that it works for has told it. */
let told: string | null = null

/** What shows this page: `portal` is the one of a workspace on this machine, the others are a team's server. */
export type Kind = 'portal' | 'workspace' | 'server'

let kind: Kind = 'portal'
let base = ''

/** Learns from the document, once, which of them it is. See server/static.py. */
export function readPlace(isTeam: boolean, pathname: string): void {
  base = (isTeam && WORKSPACE.exec(pathname)?.[0]) || ''
  kind = isTeam ? (base ? 'workspace' : 'server') : 'portal'
}

export function placeKind(): Kind {
  return kind
}

/** Whether this is a team's server, where people sign in. */
export function isOnServer(): boolean {
  return kind !== 'portal'
}

/** What the addresses of these pages begin with, as it stands in the address bar: empty, or /workspaces/NAME. */
export function pagesBase(): string {
  return base
}

/** The key that this page was given, now or earlier; empty where it has none. */
export function session(): string {
  try {
    return localStorage.getItem(KEPT) || held
  } catch {
    return held
  }
}

/** Keeps a key for this page, and for the others of its origin. */
export function keepSession(key: string): void {
  held = key
  try {
    localStorage.setItem(KEPT, key)
  } catch {
    // This page goes on with what it holds; others need the link again.
  }
}

/** Calls back when another tab has been given a key, that of a portal which was started again. Ends with what it gives. */
export function onNewSession(listener: () => void): () => void {
  const hear = ({ key }: StorageEvent) => key === KEPT && listener()
  addEventListener('storage', hear)
  return () => removeEventListener('storage', hear)
}

/** Takes the key off the address that opened this page. */
export function takeSession(): void {
  const key = GIVEN.exec(location.hash)?.[1]
  if (!key) return
  keepSession(key)
  history.replaceState(history.state, '', location.pathname + location.search)
}

/** What the addresses of the API begin with for this page; empty where it is at the root. */
export function apiBase(): string {
  if (told !== null) return told
  if (kind !== 'portal') return base
  const key = session()
  return key && `/s/${key}`
}

/** In a worker, which has neither storage nor a page's address: what its page has found. */
export function setApiBase(given: string): void {
  told = given
}

/** Where an address that the API tells (`/api/v1/…`) is for this page. */
export function placed(address: string): string {
  return address.startsWith('/api/') ? apiBase() + address : address
}
