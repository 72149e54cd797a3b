import type { RefObject } from 'react'
import type { Keys } from './keys'

/** j and k: the keyboard goes from row to row of a table that has all its rows; Enter is the link's own. */
export function rowKeys(box: RefObject<HTMLElement | null>, row: string): Keys {
  return {
    j: { does: `Next ${row}`, act: () => step(box.current, 1) },
    k: { does: `${row[0]?.toUpperCase()}${row.slice(1)} before`, act: () => step(box.current, -1) },
    Enter: { does: `Open the ${row}`, act: () => undefined },
  }
}

/** Puts the keyboard on the first link of the next row, or of the first one. */
export function step(box: HTMLElement | null, by: number): void {
  const rows = [...(box?.querySelectorAll('tbody tr') ?? [])]
  const at = rows.findIndex((row) => row.contains(document.activeElement))
  const next = at < 0 ? 0 : Math.min(Math.max(at + by, 0), rows.length - 1)
  rows[next]?.querySelector<HTMLElement>('a, button')?.focus()
}
