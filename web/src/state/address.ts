import { useCallback, useMemo } from 'react'
import { useLocation, useNavigate } from 'react-router'

/** What to set in the address; null or '' takes the parameter away. */
export type AddressChanges = Readonly<Record<string, string | readonly string[] | null>>

export interface Address {
  readonly get: (name: string) => string | null
  /** A parameter that is a list, written `a,b`; commas and per cent signs inside an item are escaped. */
  readonly list: (name: string) => string[]
  /** Changes parameters of the address. `push` makes a step that the browser's Back undoes. */
  readonly set: (changes: AddressChanges, options?: { readonly push?: boolean }) => void
}

export function joinList(items: readonly string[]): string {
  return items.map((item) => item.replaceAll('%', '%25').replaceAll(',', '%2C')).join(',')
}

export function splitList(text: string | null): string[] {
  if (!text) return []
  return text
    .split(',')
    .filter((item) => item !== '')
    .map((item) => item.replaceAll('%2C', ',').replaceAll('%25', '%'))
}

/** The query part of an address with changes made. */
export function changed(search: string, changes: AddressChanges): string {
  const params = new URLSearchParams(search)
  for (const [name, value] of Object.entries(changes)) {
    const text = typeof value === 'string' || value === null ? value : joinList(value)
    if (text === null || text === '') params.delete(name)
    else params.set(name, text)
  }
  const text = params.toString()
  return text ? `?${text}` : ''
}

/** The state of a page that its address holds, so that a link shows the same picture. */
export function useAddress(): Address {
  const { search } = useLocation()
  const navigate = useNavigate()
  const set = useCallback<Address['set']>(
    (changes, options) => {
      // Not `search`: two changes in one tick would undo each other.
      const next = changed(window.location.search, changes)
      if (next === window.location.search) return
      navigate({ search: next }, { replace: !options?.push, preventScrollReset: true })
    },
    [navigate],
  )
  return useMemo(() => {
    const params = new URLSearchParams(search)
    return { get: (name) => params.get(name), list: (name) => splitList(params.get(name)), set }
  }, [search, set])
}
