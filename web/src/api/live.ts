import { type QueryClient, useQueryClient } from '@tanstack/react-query'
import { useEffect, useRef } from 'react'
import { watch } from '../live/connection'
import { Pace, pause } from '../live/pace'
import type { Change, Watched } from '../live/protocol'
import { queryClient } from './queries'

/** Longer than any answer should take. */
const PATIENCE_MS = 10_000

const pace = new Pace(settled)

/**
 * Calls back for every change while the tab is seen; and when it is seen again, for those that it has missed.
 * That there are new values is told at a pace that the page can keep.
 */
export function useChanges({ experiment, runId }: Watched, onChange: (change: Change) => void): void {
  const newest = useRef(onChange)
  useEffect(() => {
    newest.current = onChange
  })
  useEffect(() => {
    const tell = (change: Change) => newest.current(change)
    const stop = watch({ experiment, runId }, (change) => {
      if (change.kind === 'metrics') pace.tell(tell, change)
      else tell(change)
    })
    return () => {
      pace.forget(tell)
      stop()
    }
  }, [experiment, runId])
}

/** Comes back when all queries have their answers, and those are drawn. */
async function settled(): Promise<void> {
  const until = performance.now() + PATIENCE_MS
  do await Promise.race([new Promise(requestAnimationFrame), pause(100)])
  while (queryClient.isFetching() > 0 && performance.now() < until)
  await Promise.race([new Promise(requestAnimationFrame), pause(100)])
}

/** Has the queries of what changed asked again: keys begin with 'runs', 'experiments' or ['run', id]. */
export function refresh(client: QueryClient, change: Change): void {
  const stale = (...queryKey: string[]) => void client.invalidateQueries({ queryKey })
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
