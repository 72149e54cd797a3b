import type { Span } from './types'
import { held, panned, placeAt, zoomed } from './zoom'

/** What gestures act on; read anew at every one. */
export interface Zoomable {
  readonly window: () => Span
  readonly log: () => boolean
  /** Whether the window is a part of all that there is. */
  readonly isZoomed: () => boolean
  /** Another window; `moving` while the gesture goes on. */
  readonly show: (window: Span, moving: boolean) => void
  /** A finger points to a place of x, or has left (null). */
  readonly point: (x: number | null, clientY: number) => void
  /** A click or tap that was no drag. */
  readonly press: (x: number) => void
}

/** A wheel that was turned so many pixels makes the window e times as wide. */
const WHEEL = 400
const QUIET_MS = 200
/** A pointer that moved less (px) has clicked. */
const STILL = 4

/**
 * Zoom by Ctrl and wheel (which is also what a trackpad's pinch sends) and by two fingers, move by Shift and drag, by a
 * wheel that turns sideways and by two fingers. One finger reads values; up and down it scrolls the page, as ever.
 * Gives what ends it.
 */
export function listenForGestures(plot: HTMLElement, on: Zoomable): () => void {
  const end = new AbortController()
  const { signal } = end
  const share = (clientX: number) => {
    const box = plot.getBoundingClientRect()
    return (clientX - box.left) / (box.width || 1)
  }
  let quiet: ReturnType<typeof setTimeout> | undefined
  let last: Span | null = null
  const show = (window: Span) => {
    last = window
    on.show(window, true)
  }
  const settle = () => {
    clearTimeout(quiet)
    if (last) on.show(last, false)
    last = null
  }

  plot.addEventListener(
    'wheel',
    (event) => {
      const pixels = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 16 : 1
      const isZoom = event.ctrlKey || event.metaKey
      const isAcross = event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)
      const isPan = !isZoom && isAcross && on.isZoomed()
      if (!isZoom && !isPan) return
      event.preventDefault()
      const window = last ?? on.window()
      if (isZoom) {
        const around = placeAt(window, share(event.clientX), on.log())
        show(zoomed(window, Math.exp((event.deltaY * pixels) / WHEEL), around, on.log()))
      } else {
        const by = (event.deltaX || event.deltaY) * pixels
        show(panned(window, by / (plot.clientWidth || 1), on.log()))
      }
      clearTimeout(quiet)
      quiet = setTimeout(settle, QUIET_MS)
    },
    { signal, passive: false },
  )

  // In the parent, so that it comes before the plot's own: a drag with Shift chooses no window.
  let pressedAt: { x: number; y: number } | null = null
  plot.parentElement?.addEventListener(
    'mousedown',
    (event) => {
      pressedAt = { x: event.clientX, y: event.clientY }
      if (event.button !== 0 || !event.shiftKey) return
      event.stopPropagation()
      event.preventDefault()
      const start = on.window()
      const from = share(event.clientX)
      const drag = new AbortController()
      const stop = AbortSignal.any([signal, drag.signal])
      document.addEventListener('mousemove', (move) => show(panned(start, from - share(move.clientX), on.log())), {
        signal: stop,
      })
      const released = () => {
        drag.abort()
        settle()
      }
      document.addEventListener('mouseup', released, { signal: stop })
    },
    { signal, capture: true },
  )
  plot.addEventListener(
    'click',
    (event) => {
      const moved = pressedAt && Math.hypot(event.clientX - pressedAt.x, event.clientY - pressedAt.y) >= STILL
      if (!moved && !event.shiftKey) on.press(placeAt(on.window(), share(event.clientX), on.log()))
    },
    { signal },
  )

  const fingers = new Map<number, number>()
  let grip: readonly [number, number] | null = null
  const shares = () => [...fingers.values()].slice(0, 2).map(share) as [number, number]
  const touched = (event: PointerEvent) => {
    if (event.pointerType !== 'touch') return
    fingers.set(event.pointerId, event.clientX)
    if (fingers.size === 2) {
      on.point(null, 0)
      const [a, b] = shares()
      grip = [placeAt(on.window(), a, on.log()), placeAt(on.window(), b, on.log())]
    }
  }
  const moved = (event: PointerEvent) => {
    if (!fingers.has(event.pointerId)) return
    fingers.set(event.pointerId, event.clientX)
    if (fingers.size === 1) on.point(placeAt(on.window(), share(event.clientX), on.log()), event.clientY)
    else if (grip) {
      const window = held(grip, shares(), on.log())
      if (window) show(window)
    }
  }
  const lifted = (event: PointerEvent) => {
    if (!fingers.delete(event.pointerId)) return
    if (grip && fingers.size < 2) {
      grip = null
      settle()
    }
    if (fingers.size === 0) on.point(null, 0)
  }
  plot.addEventListener('pointerdown', touched, { signal })
  plot.addEventListener('pointermove', moved, { signal })
  for (const kind of ['pointerup', 'pointercancel'] as const) plot.addEventListener(kind, lifted, { signal })

  return () => {
    clearTimeout(quiet)
    end.abort()
  }
}
