import { type LiveEvent, type LiveRequest, NO_WISH, type Told, type Watched, type Wish, type Wishes } from './protocol'

/** Reads one stream until it ends; see `readStream`. */
export type Connect = (wanted: LiveRequest, onEvent: (event: LiveEvent) => void, signal: AbortSignal) => Promise<void>

/** Tells a tab of one of its wishes. */
export type Tell = (id: number, told: Told) => void

/** Changes of wishes within so many ms become one stream: a page that opens has several. */
const GATHER_MS = 20
const AGAIN_MS = 1000
const AGAIN_MOST_MS = 30_000

interface Tab {
  readonly tell: Tell
  readonly wishes: Map<number, Wish>
  heard: number
}

interface Member {
  readonly tab: Tab
  readonly id: number
}

/**
 * Holds one stream from the server for any number of tabs: browsers open six connections to one server, over all tabs.
 *
 * Other wishes mean another stream. The wishes say how far each tab has come, so nothing falls between two streams.
 */
export class Hub {
  private readonly tabs = new Map<unknown, Tab>()
  private abort: AbortController | null = null
  private timer: ReturnType<typeof setTimeout> | undefined
  private failures = 0
  private isLost = false

  constructor(private readonly connect: Connect) {}

  /** All that a tab wants from now on. `key` is the tab. Has a stream that was lost tried again at once. */
  want(key: unknown, tell: Tell, wishes: Wishes): void {
    const tab = this.tabs.get(key) ?? { tell, wishes: new Map(), heard: 0 }
    tab.heard = Date.now()
    let isOther = false
    for (const id of [...tab.wishes.keys()]) {
      if (!wishes.has(id)) isOther = tab.wishes.delete(id)
    }
    for (const [id, wish] of wishes) {
      if (tab.wishes.has(id)) continue
      tab.wishes.set(id, wish)
      isOther = true
    }
    if (tab.wishes.size > 0) this.tabs.set(key, tab)
    else this.tabs.delete(key)
    if (isOther || this.isLost) this.openSoon(GATHER_MS)
  }

  /** Forget tabs that have said nothing for so many ms: they have crashed. One that has not says all of it anew. */
  forgetSilent(ms: number): void {
    const gone = [...this.tabs].filter(([, { heard }]) => Date.now() - heard > ms)
    for (const [key] of gone) this.tabs.delete(key)
    if (gone.length > 0) this.openSoon(GATHER_MS)
  }

  private openSoon(ms: number): void {
    clearTimeout(this.timer)
    this.timer = setTimeout(() => void this.open(), ms)
  }

  private async open(): Promise<void> {
    clearTimeout(this.timer)
    this.abort?.abort()
    const abort = new AbortController()
    this.abort = abort
    this.isLost = false
    const { wanted, members } = this.gather()
    if (members.length === 0) return
    const onEvent = (event: LiveEvent) => {
      if (abort.signal.aborted) return
      this.failures = 0
      const id = 'watch' in event ? event.watch : event.log
      for (const member of members[id] ?? []) tell(member, event)
    }
    try {
      await this.connect(wanted, onEvent, abort.signal)
    } catch {
      // The tabs find out why.
    }
    if (abort.signal.aborted || this.gather().members.length === 0) return
    this.isLost = true
    for (const { tell } of this.tabs.values()) tell(NO_WISH, { kind: 'lost' })
    this.openSoon(Math.min(AGAIN_MS * 2 ** this.failures, AGAIN_MOST_MS))
    this.failures++
  }

  /** What to ask the server for: tabs that watch the same and have come as far share a number. */
  private gather(): { wanted: LiveRequest; members: Member[][] } {
    const members: Member[][] = []
    const watch: LiveRequest['watch'][number][] = []
    const logs: LiveRequest['logs'][number][] = []
    const shared = new Map<string, Member[]>()
    for (const tab of this.tabs.values()) {
      for (const [id, wish] of tab.wishes) {
        if (wish.kind === 'log') {
          logs.push({ id: members.length, run_id: wish.runId, name: wish.name, start: wish.start })
          members.push([{ tab, id }])
          continue
        }
        const key = JSON.stringify([wish.watched.experiment, wish.watched.runId, wish.since])
        const together = shared.get(key)
        if (together) {
          together.push({ tab, id })
          continue
        }
        watch.push({
          id: members.length,
          ...asked(wish.watched),
          ...(wish.since === null ? {} : { since: wish.since }),
        })
        const alone = [{ tab, id }]
        shared.set(key, alone)
        members.push(alone)
      }
    }
    return { wanted: { watch, logs }, members }
  }
}

function asked({ experiment, runId }: Watched): { experiment?: string; run_id?: string } {
  return { ...(experiment === undefined ? {} : { experiment }), ...(runId === undefined ? {} : { run_id: runId }) }
}

/** Pass an event on to one tab, and note how far it has come. */
function tell({ tab, id }: Member, event: LiveEvent): void {
  const wish = tab.wishes.get(id)
  if (wish?.kind === 'watch' && 'watch' in event) {
    const { kind, run_ids, version } = event
    tab.wishes.set(id, { ...wish, since: version })
    tab.tell(id, kind === 'opened' ? { kind, version } : { kind: 'change', change: { kind, run_ids, version } })
  } else if (wish?.kind === 'log' && 'text' in event) {
    const bytes = Uint8Array.from(atob(event.text), (letter) => letter.charCodeAt(0))
    tab.wishes.set(id, { ...wish, start: event.start + bytes.length })
    tab.tell(id, { kind: 'part', start: event.start, bytes })
  } else if (wish?.kind === 'log' && !('watch' in event)) {
    tab.wishes.delete(id)
    tab.tell(id, { kind: 'end' })
  }
}
