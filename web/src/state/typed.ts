import { useDebouncedCallback } from '@mantine/hooks'
import { useEffect, useState } from 'react'
import type { Address } from './address'

const SETTLE_MS = 200

/** What is typed into a box whose text the address holds: browsers refuse an address that changes with every key. */
export function useTyped(address: Address, name: string): readonly [typed: string, type: (text: string) => void] {
  const told = address.get(name) ?? ''
  const [typed, setTyped] = useState(told)
  const tell = useDebouncedCallback((text: string) => address.set({ [name]: text.trim() }), SETTLE_MS)
  // What the address says comes back into the box: the browser's Back, a link.
  useEffect(() => setTyped((text) => (text.trim() === told ? text : told)), [told])
  return [
    typed,
    (text) => {
      setTyped(text)
      tell(text)
    },
  ]
}
