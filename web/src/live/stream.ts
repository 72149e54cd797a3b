import { placed } from '../api/place'
import type { LiveEvent, LiveRequest } from './protocol'

/** Said here once more: what a page makes its requests with is not for a worker. */
const ADDRESS = '/api/v1/live'
/** The server says something at least every 15 s: after three times that the connection is dead. */
const SILENCE_MS = 45_000

/** Reads one stream; comes back where the server has ended it, and raises where it cannot be had or breaks off. */
export async function readStream(
  wanted: LiveRequest,
  onEvent: (event: LiveEvent) => void,
  signal: AbortSignal,
): Promise<void> {
  const ending = new AbortController()
  const end = () => ending.abort()
  signal.addEventListener('abort', end)
  let alarm = setTimeout(end, SILENCE_MS)
  try {
    const response = await fetch(placed(ADDRESS), {
      credentials: 'same-origin',
      method: 'POST',
      headers: { 'Content-Type': 'application/json', Accept: 'text/event-stream' },
      body: JSON.stringify(wanted),
      signal: ending.signal,
    })
    const reader = response.body?.getReader()
    if (!response.ok || !reader) throw new Error(`the portal answered ${response.status}`)
    const parse = eventParser(onEvent)
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return
      clearTimeout(alarm)
      alarm = setTimeout(end, SILENCE_MS)
      parse(value)
    }
  } finally {
    clearTimeout(alarm)
    signal.removeEventListener('abort', end)
  }
}

/** Takes the bytes of server-sent events as they come, in pieces of any size; of an event its data counts. */
export function eventParser(onEvent: (event: LiveEvent) => void): (bytes: Uint8Array) => void {
  const decoder = new TextDecoder()
  let rest = ''
  return (bytes) => {
    const lines = (rest + decoder.decode(bytes, { stream: true })).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) if (line.startsWith('data: ')) onEvent(JSON.parse(line.slice(6)) as LiveEvent)
  }
}
