/**
 * Colours of lines. Each palette was searched by machine: contrast with its background of at least 3.3, and between
 * any two a distance (CIELAB) of at least 26 for normal sight, protanopia, deuteranopia and tritanopia.
 */

const LIGHT = ['#1c71ca', '#969000', '#551a4d', '#e82957', '#31088e', '#cb4f91', '#9d04ff', '#750703'] as const
const DARK = ['#64b1fb', '#ffda85', '#f40163', '#788d00', '#ac3dfe', '#f38eb9', '#b5f103', '#dd1eb1'] as const
const DASHES: readonly (readonly number[])[] = [[], [7, 3], [2, 3], [9, 3, 2, 3]]

export interface Ink {
  readonly text: string
  readonly grid: string
  readonly background: string
}

export function palette(dark: boolean): readonly string[] {
  return dark ? DARK : LIGHT
}

/** The colour of a slot; slots beyond the palette begin again, with another dash. */
export function colourOf(slot: number, dark: boolean): string {
  const colours = palette(dark)
  return colours[slot % colours.length] ?? colours[0] ?? '#808080'
}

/** The dash of a slot in CSS pixels; none for the first round of colours. */
export function dashOf(slot: number): readonly number[] {
  return DASHES[Math.floor(slot / LIGHT.length) % DASHES.length] ?? []
}

/** Text, grid and background of a chart. */
export function ink(dark: boolean): Ink {
  return dark
    ? { text: '#c1c2c5', grid: 'rgba(255, 255, 255, 0.1)', background: '#1a1b1e' }
    : { text: '#495057', grid: 'rgba(0, 0, 0, 0.09)', background: '#ffffff' }
}
