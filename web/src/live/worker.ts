/** The shared worker of all tabs of this browser: it holds their one stream. */

import { setApiBase } from '../api/place'
import { Hub } from './hub'
import type { Said, Told } from './protocol'
import { readStream } from './stream'

/** Tabs say every 30 s that they are there. */
const SILENT_MS = 100_000

const hub = new Hub(readStream)

declare const self: { onconnect: ((event: MessageEvent) => void) | null }

self.onconnect = ({ ports }) => {
  const port = ports[0]
  if (!port) return
  const tell = (id: number, told: Told) =>
    port.postMessage({ id, told }, told.kind === 'part' ? [told.bytes.buffer] : [])
  port.onmessage = ({ data }: MessageEvent<Said>) => {
    setApiBase(data.base)
    hub.want(port, tell, data.wishes)
  }
}
setInterval(() => hub.forgetSilent(SILENT_MS), SILENT_MS / 2)
