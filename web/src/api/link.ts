/**
 * Whether the link to the portal is slow. On one machine answers travel as they are, for that is quicker than
 * compressing them; but a portal that seems to be on this machine may be at the end of a tunnel. So the speed at which
 * large answers came is measured, and a slow link is told to the server.
 */

const LARGE_BYTES = 100_000
const SLOW_BYTES_PER_MS = 20_000
/** A link is taken for a fast one again when it is so many times faster than a slow one. */
const MUCH_FASTER = 3

let isSlow = false

/** What to send along: that the server should compress what it answers. */
export function linkHeaders(): Readonly<Record<string, string>> {
  return isSlow ? { 'Save-Data': 'on' } : {}
}

export interface Transfer {
  /** Bytes as they travelled. */
  readonly encodedBodySize: number
  readonly responseStart: number
  readonly responseEnd: number
}

/** Whether the link is slow after these answers, if it was taken for slow or not before. */
export function isSlowAfter(transfers: readonly Transfer[], before: boolean): boolean {
  let slow = before
  for (const { encodedBodySize, responseStart, responseEnd } of transfers) {
    if (encodedBodySize < LARGE_BYTES) continue
    const speed = encodedBodySize / Math.max(responseEnd - responseStart, 0.1)
    if (speed < SLOW_BYTES_PER_MS) slow = true
    else if (speed > MUCH_FASTER * SLOW_BYTES_PER_MS) slow = false
  }
  return slow
}

if (typeof PerformanceObserver !== 'undefined' && typeof window !== 'undefined') {
  new PerformanceObserver((list) => {
    isSlow = isSlowAfter(list.getEntriesByType('resource') as PerformanceResourceTiming[], isSlow)
  }).observe({ type: 'resource' })
}
