import { type QueryClient, useQueryClient } from '@tanstack/react-query'
import { useEffect, useRef } from 'react'
import { apiUrl } from './http'

/** What the portal tells as it happens. */
export interface Change {
  readonly kind: 'runs' | 'run' | 'metrics' | 'files'
  readonly run_ids: readonly string[]
  readonly version: number | string
}

export interface Watched {
  readonly experiment?: string
  readonly runId?: string
}

type Listener = (change: Change | null) => void

interface Stream {
  readonly source: EventSource
  readonly listeners: Set<Listener>
}

/** One stream for each address: browsers open only six connections to one server, over all tabs. */
const streams = new Map<string, Stream>()

function listen(url: string, listener: Listener): () => void {
  let stream = streams.get(url)
  if (!stream) {
    const opened: Stream = { source: new EventSource(url), listeners: new Set() }
    opened.source.onmessage = (event: MessageEvent<string>) => {
      const change = parseChange(event.data)
      if (change) for (const each of [...opened.listeners]) each(change)
    }
    streams.set(url, opened)
    stream = opened
  }
  const { source, listeners } = stream
  listeners.add(listener)
  return () => {
    listeners.delete(listener)
    if (listeners.size > 0) return
    source.close()
    streams.delete(url)
  }
}

/** Calls back for every change while the tab is seen, and with null when it is seen again. */
export function useChanges({ experiment, runId }: Watched, onChange: Listener): void {
  const newest = useRef(onChange)
  useEffect(() => {
    newest.current = onChange
  })
  useEffect(() => {
    const url = apiUrl('/changes', { experiment, run_id: runId })
    const tell: Listener = (change) => newest.current(change)
    let stop: (() => void) | null = null
    const look = () => {
      if (document.hidden) {
        stop?.()
        stop = null
      } else stop ??= listen(url, tell)
    }
    const seen = () => {
      const wasHidden = stop === null
      look()
      if (wasHidden && !document.hidden) tell(null)
    }
    look()
    document.addEventListener('visibilitychange', seen)
    return () => {
      document.removeEventListener('visibilitychange', seen)
      stop?.()
    }
  }, [experiment, runId])
}

function parseChange(data: string): Change | null {
  try {
    const change: unknown = JSON.parse(data)
    return typeof change === 'object' && change !== null && 'kind' in change ? (change as Change) : null
  } catch {
    return null
  }
}

/** Has the queries of what changed asked again: keys begin with 'runs', 'experiments' or ['run', id]. */
export function refresh(client: QueryClient, change: Change | null): void {
  const stale = (...queryKey: string[]) => void client.invalidateQueries({ queryKey })
  if (!change) {
    void client.invalidateQueries()
    return
  }
  if (change.kind === 'metrics') {
    void client.invalidateQueries({ predicate: ({ queryKey }) => queryKey[0] === 'runs' && queryKey[1] !== 'columns' })
    // Names are counted over thousands of runs: not for every value.
    void client.refetchQueries({ queryKey: ['runs', 'columns'], type: 'active', stale: true })
  } else if (change.kind !== 'files') {
    stale('runs')
    stale('experiments')
  }
  // No names: too many to tell, any may have changed.
  if (change.run_ids.length === 0 && change.kind !== 'runs') stale('run')
  for (const runId of change.run_ids) {
    if (change.kind === 'metrics') {
      stale('run', runId, 'metrics')
      stale('series', runId)
    } else if (change.kind === 'files') stale('run', runId, 'files')
    else stale('run', runId)
  }
}

/** Keeps the queries of a page fresh while it is open. */
export function useLive(watched: Watched): void {
  const client = useQueryClient()
  useChanges(watched, (change) => refresh(client, change))
}
