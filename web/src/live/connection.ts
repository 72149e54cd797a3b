import { apiBase, pagesBase } from '../api/place'
import { ask, currentReach, onReach } from '../api/reach'
import { Hub } from './hub'
import { type Change, NO_WISH, type Said, type Told, type Watched, type Wish, type Wishes } from './protocol'
import { readStream } from './stream'

/** A tab's side: what it wants goes to the worker that all tabs share, or to a hub of its own where there is none. */

/** How often a tab tells the worker that it is there. */
const HERE_MS = 30_000

export interface Following {
  /** What the log has grown by; a start before the end of what came so far means that another has taken its place. */
  readonly onPart: (start: number, bytes: Uint8Array) => void
  readonly onEnd: () => void
}

interface Entry {
  wish: Wish
  readonly hear: (told: Told) => void
}

const entries = new Map<number, Entry>()
let lastId = NO_WISH
let say: ((wishes: Wishes) => void) | null = null
let isSaid = true

/** Calls back for every change while the tab is seen; and when it is seen again, for those that it has missed. */
export function watch(watched: Watched, listener: (change: Change) => void): () => void {
  const entry: Entry = {
    wish: { kind: 'watch', watched, since: null },
    hear: (told) => {
      const version = told.kind === 'opened' ? told.version : told.kind === 'change' ? told.change.version : null
      entry.wish = { kind: 'watch', watched, since: version }
      if (told.kind === 'change') listener(told.change)
    },
  }
  return enter(entry)
}

/** Calls back for what a log grows by from the byte `start` on, while the tab is seen, until its run has ended. */
export function follow(runId: string, name: string, start: number, following: Following): () => void {
  const entry: Entry = {
    wish: { kind: 'log', runId, name, start },
    hear: (told) => {
      if (told.kind === 'part') {
        entry.wish = { kind: 'log', runId, name, start: told.start + told.bytes.length }
        following.onPart(told.start, told.bytes)
      } else if (told.kind === 'end') {
        leave()
        following.onEnd()
      }
    },
  }
  const leave = enter(entry)
  return leave
}

function enter(entry: Entry): () => void {
  say ??= start()
  entries.set(++lastId, entry)
  saySoon()
  return () => {
    for (const [id, each] of entries) if (each === entry) entries.delete(id)
    saySoon()
  }
}

function saySoon(): void {
  if (!isSaid) return
  isSaid = false
  queueMicrotask(sayNow)
}

function sayNow(): void {
  isSaid = true
  say?.(document.hidden ? new Map() : new Map([...entries].map(([id, { wish }]) => [id, wish])))
}

function hear(id: number, told: Told): void {
  if (told.kind === 'lost') void ask()
  else entries.get(id)?.hear(told)
}

/** Connects this tab. A tab that is not seen wants nothing, and goes on from where it was when it is seen again. */
function start(): (wishes: Wishes) => void {
  document.addEventListener('visibilitychange', () => {
    if (!document.hidden) renumber()
    sayNow()
  })
  addEventListener('pagehide', () => say?.(new Map()))
  addEventListener('pageshow', ({ persisted }) => {
    if (!persisted) return
    renumber()
    sayNow()
  })
  onReach(() => {
    if (currentReach() === 'reached') sayNow()
  })
  setInterval(() => {
    if (entries.size > 0 && !document.hidden) sayNow()
  }, HERE_MS)
  return throughWorker() ?? alone()
}

/** Under new numbers, so that what is still on its way from before is not taken for what is asked for now. */
function renumber(): void {
  const all = [...entries.values()]
  entries.clear()
  for (const entry of all) entries.set(++lastId, entry)
}

function throughWorker(): ((wishes: Wishes) => void) | null {
  // Where it is missing (Chrome on Android) few tabs are seen at once: each has a stream of its own while it is.
  if (typeof SharedWorker === 'undefined') return null
  try {
    // One for each workspace of a server: a worker has one stream.
    const name = `milepost-live${pagesBase()}`
    const worker = new SharedWorker(new URL('./worker.ts', import.meta.url), { type: 'module', name })
    worker.onerror = () => {
      say = alone()
      renumber()
      sayNow()
    }
    worker.port.onmessage = ({ data }: MessageEvent<{ id: number; told: Told }>) => hear(data.id, data.told)
    return (wishes) => worker.port.postMessage({ base: apiBase(), wishes } satisfies Said)
  } catch {
    return null // forbidden by the browser's settings
  }
}

function alone(): (wishes: Wishes) => void {
  const hub = new Hub(readStream)
  return (wishes) => hub.want(hub, hear, wishes)
}
