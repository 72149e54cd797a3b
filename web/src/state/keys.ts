import { useEffect, useRef } from 'react'

export interface Key {
  /** For the list of keys, e.g. "Next row". */
  readonly does: string
  readonly act: (event: KeyboardEvent) => void
}

/** What each key does; keys as `KeyboardEvent.key` names them, two after another as "g e". */
export type Keys = Readonly<Record<string, Key>>

const SEQUENCE_MS = 1500
const STORED = 'milepost-single-keys'

/** Of what is shown now, the newest last. */
const shown: { current: Keys }[] = []
let begun: { readonly key: string; readonly at: number } | null = null

/** Whether typing there means text, or an open dialog has the keyboard. */
function isTaken(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false
  if (target.isContentEditable || target.closest('[role="dialog"], [role="menu"], [role="listbox"]')) return true
  if (target instanceof HTMLInputElement) return !['checkbox', 'radio', 'button'].includes(target.type)
  return target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement
}

function find(name: string): Key | undefined {
  for (let at = shown.length - 1; at >= 0; at--) {
    const key = shown[at]?.current[name]
    if (key) return key
  }
  return undefined
}

function pressed(event: KeyboardEvent): void {
  if (event.defaultPrevented || event.ctrlKey || event.altKey || event.metaKey || isTaken(event.target)) return
  if (event.key === 'Enter' && event.target instanceof HTMLElement && event.target.closest('a, button')) return
  if (event.key.length === 1 && !areSingleKeysOn()) return
  const before = begun !== null && performance.now() - begun.at < SEQUENCE_MS ? `${begun.key} ` : ''
  begun = null
  const key = (before && find(before + event.key)) || find(event.key)
  if (key) {
    event.preventDefault()
    key.act(event)
  } else if (shown.some(({ current }) => Object.keys(current).some((name) => name.startsWith(`${event.key} `)))) {
    begun = { key: event.key, at: performance.now() }
  }
}

/** Keys for the whole page, while it is shown; not while something is typed, nor with Ctrl, Alt or Meta. */
export function useKeys(keys: Keys): void {
  const newest = useRef(keys)
  useEffect(() => {
    newest.current = keys
  })
  useEffect(() => {
    shown.push(newest)
    if (shown.length === 1) document.addEventListener('keydown', pressed)
    return () => {
      shown.splice(shown.indexOf(newest), 1)
      if (shown.length === 0) document.removeEventListener('keydown', pressed)
    }
  }, [])
}

/** The keys that work now, those of the page before those of every page. */
export function listKeys(): readonly (readonly [name: string, does: string])[] {
  const listed = new Map<string, string>()
  for (const { current } of [...shown].reverse()) {
    for (const [name, { does }] of Object.entries(current)) if (!listed.has(name)) listed.set(name, does)
  }
  return [...listed]
}

/** Whether keys of one character do something: who speaks to a computer may have to turn them off. */
export function areSingleKeysOn(): boolean {
  try {
    return localStorage.getItem(STORED) !== 'off'
  } catch {
    return true
  }
}

export function setSingleKeys(on: boolean): void {
  try {
    if (on) localStorage.removeItem(STORED)
    else localStorage.setItem(STORED, 'off')
  } catch {
    // A browser that keeps nothing.
  }
}
