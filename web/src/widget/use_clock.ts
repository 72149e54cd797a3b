import { useEffect, useRef, useState } from 'react'
import type { Told } from './model'

/** So long without a word, and the kernel is busy or gone. */
const SILENCE_MS = 20_000

export interface Clock {
  /** The kernel's time in ms since 1970: it goes on while the kernel is heard of. */
  readonly now: number
  /** Whether nothing has been heard of the kernel for long. */
  readonly isSilent: boolean
}

/** The time on the kernel's machine, which need not be the browser's. Ticks while `ticks`. */
export function useClock(told: Told | undefined, ticks: boolean): Clock {
  const [, setTick] = useState(0)
  const heard = useRef<{ told: Told | undefined; at: number }>({ told, at: performance.now() })
  if (heard.current.told !== told) heard.current = { told, at: performance.now() }
  useEffect(() => {
    if (!ticks) return
    const timer = setInterval(() => setTick((tick) => tick + 1), 1000)
    return () => clearInterval(timer)
  }, [ticks])
  const since = performance.now() - heard.current.at
  const isSilent = ticks && since > SILENCE_MS
  const begin = told?.looked === undefined ? Date.now() - since : told.looked * 1000
  return { now: isSilent ? begin : begin + since, isSilent }
}
