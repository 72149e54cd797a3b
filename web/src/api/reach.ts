import { useSyncExternalStore } from 'react'
import { placed, placeKind } from './place'

/** Whether the portal answers, and whom it knows: as the last request told it, and asked again and again while it does not. */
export type Reach = 'reached' | 'silent' | 'no token'

const ASKED = '/api/v1/workspace?counts=false'
/** On the pages of a server itself, which are of no workspace. */
const ASKED_OF_SERVER = '/api/v1/account'
const AGAIN_MS = 2000

let reach: Reach = 'reached'
let asking: ReturnType<typeof setTimeout> | undefined
const listeners = new Set<() => void>()

/** Says how a request ended: with its status, or 0 where nothing answered. */
export function tellReach(status: number): void {
  const next = status === 0 ? 'silent' : status === 401 ? 'no token' : 'reached'
  if (next !== 'reached') askLater()
  else {
    clearTimeout(asking)
    asking = undefined
  }
  if (next === reach) return
  reach = next
  for (const each of [...listeners]) each()
}

function askLater(): void {
  asking ??= setTimeout(() => {
    asking = undefined
    void ask()
  }, AGAIN_MS)
}

/** Asks whether the portal answers. */
export async function ask(): Promise<Reach> {
  try {
    const asked = placeKind() === 'server' ? ASKED_OF_SERVER : placed(ASKED)
    tellReach((await fetch(asked, { credentials: 'same-origin', cache: 'no-store' })).status)
  } catch {
    tellReach(0)
  }
  return reach
}

export function currentReach(): Reach {
  return reach
}

export function onReach(listener: () => void): () => void {
  listeners.add(listener)
  return () => {
    listeners.delete(listener)
  }
}

export function useReach(): Reach {
  return useSyncExternalStore(onReach, currentReach)
}
