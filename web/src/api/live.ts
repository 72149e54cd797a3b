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

/**
 * Calls back for every change while the tab is seen, and once when it is seen again.
 *
 * A hidden tab gives its connection back: browsers open only six to one server, over all tabs.
 */
export function useChanges({ experiment, runId }: Watched, onChange: (change: Change | null) => void): void {
  const newest = useRef(onChange)
  useEffect(() => {
    newest.current = onChange
  })
  useEffect(() => {
    let source: EventSource | null = null
    let wasHidden = false
    const open = () => {
      source = new EventSource(apiUrl('/changes', { experiment, run_id: runId }))
      const take = (event: MessageEvent<string>) => {
        const change = parseChange(event.data)
        if (change) newest.current(change)
      }
      source.onmessage = take
      for (const kind of ['change', 'runs', 'run', 'metrics', 'files']) {
        source.addEventListener(kind, (event) => take(event as MessageEvent<string>))
      }
    }
    const look = () => {
      if (document.hidden) {
        source?.close()
        source = null
        wasHidden = true
      } else if (!source) {
        open()
        if (wasHidden) newest.current(null)
      }
    }
    look()
    document.addEventListener('visibilitychange', look)
    return () => {
      document.removeEventListener('visibilitychange', look)
      source?.close()
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
  stale('runs')
  if (change.kind === 'runs' || change.kind === 'run') stale('experiments')
  for (const runId of change.run_ids) {
    if (change.kind === 'metrics') stale('run', runId, 'metrics')
    else if (change.kind === 'files') stale('run', runId, 'files')
    else stale('run', runId)
    if (change.kind === 'metrics') stale('series', runId)
  }
}

/** Keeps the queries of a page fresh while it is open. */
export function useLive(watched: Watched): void {
  const client = useQueryClient()
  useChanges(watched, (change) => refresh(client, change))
}
