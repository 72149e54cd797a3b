import { useEffect, useRef } from 'react'

/** What each key does; keys as `KeyboardEvent.key` names them. */
export type Keys = Readonly<Record<string, (event: KeyboardEvent) => void>>

/** Whether typing there means text, or an open dialog has the keyboard. */
function isTaken(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false
  if (target.isContentEditable || target.closest('[role="dialog"], [role="menu"], [role="listbox"]')) return true
  if (target instanceof HTMLInputElement) return !['checkbox', 'radio', 'button'].includes(target.type)
  return target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement
}

/** Single keys for the whole page, while it is shown; not while something is typed, nor with Ctrl, Alt or Meta. */
export function useKeys(keys: Keys): void {
  const newest = useRef(keys)
  useEffect(() => {
    newest.current = keys
  })
  useEffect(() => {
    const pressed = (event: KeyboardEvent) => {
      if (event.defaultPrevented || event.ctrlKey || event.altKey || event.metaKey || isTaken(event.target)) return
      if (event.key === 'Enter' && event.target instanceof HTMLElement && event.target.closest('a, button')) return
      const action = newest.current[event.key]
      if (!action) return
      event.preventDefault()
      action(event)
    }
    document.addEventListener('keydown', pressed)
    return () => document.removeEventListener('keydown', pressed)
  }, [])
}
