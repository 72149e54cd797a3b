import { useSyncExternalStore } from 'react'
import { formatAgo, formatDate, formatDuration } from './format'

let now = Date.now()
const listeners = new Set<() => void>()
let timer: ReturnType<typeof setInterval> | undefined

function subscribe(listener: () => void): () => void {
  listeners.add(listener)
  timer ??= setInterval(() => {
    now = Date.now()
    for (const each of listeners) each()
  }, 10_000)
  return () => {
    listeners.delete(listener)
    if (listeners.size === 0) {
      clearInterval(timer)
      timer = undefined
    }
  }
}

interface Props {
  /** ISO 8601. */
  readonly at: string | null
}

/** How long ago it was; the exact time when pointed at. */
export function Moment({ at }: Props) {
  // Rounded by the subscription to ten seconds: all moments of a page change together.
  const seen = useSyncExternalStore(subscribe, () => now)
  if (!at) return null
  return (
    <time dateTime={at} title={`${formatDate(at)} (${at})`}>
      {formatAgo(at, Math.max(seen, Date.parse(at)))}
    </time>
  )
}

/** How long something lasts that has not ended. */
export function Lasting({ since }: { readonly since: string }) {
  const seen = useSyncExternalStore(subscribe, () => now)
  return <>{formatDuration(Math.max(0, seen - Date.parse(since)) / 1000)}</>
}
