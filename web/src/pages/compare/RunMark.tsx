import type { JSX } from 'react'
import { colourOf, dashOf } from '../../charts/colours'

/** The line by which a run is known in all charts of the page. */
export function RunMark({ slot, dark }: { readonly slot: number; readonly dark: boolean }): JSX.Element {
  return (
    <svg width={22} height={8} aria-hidden="true" focusable="false">
      <line
        x1={0}
        x2={22}
        y1={4}
        y2={4}
        stroke={colourOf(slot, dark)}
        strokeWidth={3}
        strokeDasharray={dashOf(slot).join(' ') || undefined}
      />
    </svg>
  )
}
