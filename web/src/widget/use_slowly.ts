import { useEffect, useRef, useState } from 'react'

/** A value that changes often, as one that changes at most once in so many ms. */
export function useSlowly<T>(value: T, ms: number): T {
  const [shown, setShown] = useState(value)
  const newest = useRef(value)
  const timer = useRef(0)
  newest.current = value
  useEffect(() => {
    if (value === shown || timer.current) return
    timer.current = window.setTimeout(() => {
      timer.current = 0
      setShown(newest.current)
    }, ms)
  }, [value, shown, ms])
  useEffect(() => () => clearTimeout(timer.current), [])
  return shown
}
