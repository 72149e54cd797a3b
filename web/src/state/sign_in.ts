/** The way to the page where people sign in, and back to where they came from. */

/** The address of the sign-in page that leads back to the one that is open. */
export function signInAddress({ pathname, search, hash }: Pick<Location, 'pathname' | 'search' | 'hash'>): string {
  return `/sign-in?next=${encodeURIComponent(pathname + search + hash)}`
}

/** Where to go after signing in: the page that was asked for, if it is one of this server; else its first page. */
export function whereNext(asked: string | null, origin: string): string {
  const first = `${origin}/`
  if (!asked?.startsWith('/')) return first
  try {
    const url = new URL(asked, origin)
    // With its origin, since a path may begin with //, which would be another host's.
    if (url.origin === origin && !/^\/(sign-in|setup)\/?$/.test(url.pathname)) return url.href
  } catch {
    // no address at all
  }
  return first
}
