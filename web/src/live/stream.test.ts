import { describe, expect, it } from 'vitest'
import type { LiveEvent } from './protocol'
import { eventParser } from './stream'

describe('reading server-sent events', () => {
  it('takes them in pieces of any size, amid characters too', () => {
    const text = ': still here\n\ndata: {"log": 1, "status": "✓"}\n\nid: 7\ndata: {"log": 2, "status": null}\n\n'
    const bytes = new TextEncoder().encode(text)
    for (const size of [1, 2, 3, 7, bytes.length]) {
      const found: LiveEvent[] = []
      const parse = eventParser((event) => found.push(event))
      for (let at = 0; at < bytes.length; at += size) parse(bytes.slice(at, at + size))
      expect(found).toEqual([
        { log: 1, status: '✓' },
        { log: 2, status: null },
      ])
    }
  })
})
