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

const WORSE_TO_BETTER = {
  light: ['#bcc4d4', '#7f9ad8', '#16267c'],
  dark: ['#48526a', '#5f86dd', '#d3e0ff'],
} as const
const BEST = { light: '#d9480f', dark: '#ffa94d' } as const

/** How good a result is among others, 0 (the worst) to 1: from pale to strong, which only the best are. */
export function rankColour(rank: number, dark: boolean): string {
  const [worst, middle, best] = WORSE_TO_BETTER[dark ? 'dark' : 'light']
  const part = rank ** 2.5
  return part < 0.5 ? between(worst, middle, part * 2) : between(middle, best, part * 2 - 1)
}

/** The colour of the best of all. */
export function bestColour(dark: boolean): string {
  return BEST[dark ? 'dark' : 'light']
}

function between(from: string, to: string, part: number): string {
  const parts = [1, 3, 5].map((at) => {
    const [a, b] = [from, to].map((colour) => Number.parseInt(colour.slice(at, at + 2), 16)) as [number, number]
    return Math.round(a + (b - a) * part)
      .toString(16)
      .padStart(2, '0')
  })
  return `#${parts.join('')}`
}
