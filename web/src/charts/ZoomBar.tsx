import type { Crosshair } from './crosshair'
import type { Span } from './types'
import classes from './ZoomBar.module.css'
import { PAN, panned, STEP, within, zoomed } from './zoom'

interface ZoomBarProps {
  /** What is zoomed, for those who cannot see it. */
  readonly label: string
  /** The window that is shown; null for all of x. */
  readonly window: Span | null
  /** All of x that there is; null where that is not known. */
  readonly extent: Span | null
  readonly log: boolean
  /** What it points to stays in its place. */
  readonly crosshair?: Crosshair | undefined
  readonly onWindow: (window: Span | null) => void
}

/** Zooms and moves by single presses: for fingers, keyboards, and whoever cannot drag. */
export function ZoomBar({ label, window, extent, log, crosshair, onWindow }: ZoomBarProps) {
  // A logarithmic axis begins above zero.
  const all = extent && log && extent.from <= 0 ? { from: Math.min(1, extent.to / 1000), to: extent.to } : extent
  const shown = window ?? all
  const zoom = (factor: number) =>
    shown && onWindow(within(zoomed(shown, factor, crosshair?.get() ?? null, log), extent, log))
  const pan = (share: number) => shown && onWindow(within(panned(shown, share, log), extent, log))
  const atStart = !window || (extent !== null && window.from <= extent.from)
  const atEnd = !window || (extent !== null && window.to >= extent.to)
  return (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset is for forms
    <div role="group" aria-label={label} className={classes.bar}>
      <Press name="Earlier" sign="‹" disabled={atStart} onPress={() => pan(-PAN)} />
      <Press name="Zoom out" sign="−" disabled={!window} onPress={() => zoom(STEP)} />
      <Press name="Zoom in" sign="+" disabled={!shown} onPress={() => zoom(1 / STEP)} />
      <Press name="Later" sign="›" disabled={atEnd} onPress={() => pan(PAN)} />
      <Press name="Show all of x" sign="All" disabled={!window} onPress={() => onWindow(null)} />
    </div>
  )
}

interface PressProps {
  readonly name: string
  readonly sign: string
  readonly disabled: boolean
  readonly onPress: () => void
}

function Press({ name, sign, disabled, onPress }: PressProps) {
  return (
    <button
      type="button"
      className={classes.press}
      // Not `disabled`: a button that loses the keyboard's focus when it is pressed sends it to the page's beginning.
      aria-disabled={disabled}
      aria-label={name}
      title={name}
      onClick={() => disabled || onPress()}
    >
      {sign}
    </button>
  )
}
