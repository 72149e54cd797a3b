import { useCallback, useEffect, useMemo, useRef, useState } from 'react'
import type { Span } from '../../../charts/types'
import { useAddress } from '../../../state/address'
import { readSpan, writeSpan } from './settings'

/** The window of x that charts show, which the address holds. */
export interface ChartWindow {
  /** What is drawn: while a gesture goes on it is ahead of the address. */
  readonly drawn: Span | null
  /** What the address says: points are read for this one. */
  readonly settled: Span | null
  readonly show: (window: Span | null, moving?: boolean) => void
}

/** Browsers refuse an address that changes with every turn of a wheel. */
const QUIET_MS = 250

interface Ahead {
  readonly window: Span | null
  /** What the address said then: once it says something else, that counts. */
  readonly over: string | null
}

/** A window from the text that the address has of it; `write` puts another one there. */
export function useWindow(text: string | null, write: (text: string | null) => void): ChartWindow {
  const [ahead, setAhead] = useState<Ahead | null>(null)
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined)
  useEffect(() => () => clearTimeout(timer.current), [])
  const settled = useMemo(() => readSpan(text), [text])
  const drawn = ahead && ahead.over === text ? ahead.window : settled
  const show = useCallback(
    (window: Span | null, moving = false) => {
      clearTimeout(timer.current)
      const settle = () => {
        write(writeSpan(window))
        setAhead(null)
      }
      if (!moving) return settle()
      setAhead({ window, over: text })
      timer.current = setTimeout(settle, QUIET_MS)
    },
    [text, write],
  )
  return { drawn, settled, show }
}

/** The window that all charts of a page share. */
export function useSharedWindow(): ChartWindow {
  const { get, set } = useAddress()
  const write = useCallback((text: string | null) => set({ zoom: text }, { push: true }), [set])
  return useWindow(get('zoom'), write)
}
