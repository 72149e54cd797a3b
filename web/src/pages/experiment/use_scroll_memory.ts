import { type UIEvent, useCallback, useEffect, useRef } from 'react'
import { useLocation, useNavigationType } from 'react-router'

/** Entry of the history -> how far down its table was. */
const memory = new Map<string, number>()
const MOST = 100

/** Where a table was when this entry of the history was left: the browser's Back finds it there again. */
export function useScrollMemory(): {
  readonly initialOffset: number
  readonly onScroll: (event: UIEvent<HTMLElement>) => void
} {
  const { key } = useLocation()
  const navigation = useNavigationType()
  const initialOffset = useRef(navigation === 'POP' ? (memory.get(key) ?? 0) : 0)
  const top = useRef(initialOffset.current)
  const entry = useRef(key)
  useEffect(() => {
    entry.current = key
  }, [key])
  useEffect(
    () => () => {
      memory.delete(entry.current)
      memory.set(entry.current, top.current)
      const oldest = memory.keys().next()
      if (memory.size > MOST && !oldest.done) memory.delete(oldest.value)
    },
    [],
  )
  const onScroll = useCallback((event: UIEvent<HTMLElement>) => {
    top.current = event.currentTarget.scrollTop
  }, [])
  return { initialOffset: initialOffset.current, onScroll }
}
