import { useCallback } from 'react'
import type { Metric } from '../../../api/types'
import { useAddress } from '../../../state/address'
import { type ChartWindow, useWindow } from './use_window'

/** What the address holds of single cards: lists of `card=value`. */

/** By what a metric's card is known in the address. Kinds have no colon. */
export function cardId(metric: Pick<Metric, 'kind' | 'name'>): string {
  return `${metric.kind}:${metric.name}`
}

/** The value that a list has for a card. */
export function valueFor(list: readonly string[], card: string): string | null {
  const found = list.find((item) => cardOf(item) === card)
  return found === undefined ? null : found.slice(card.length + 1)
}

/** The list with another value for a card; null takes it away. */
export function withValue(list: readonly string[], card: string, value: string | null): string[] {
  const others = list.filter((item) => cardOf(item) !== card)
  return value === null ? others : [...others, `${card}=${value}`]
}

/** Names may have any character; values have no equals sign. */
function cardOf(item: string): string {
  return item.slice(0, item.lastIndexOf('='))
}

/** Which of several ways a card is shown; the first of them needs no place in the address. */
export function useCardChoice<T extends string>(card: string, ways: readonly [T, ...T[]]): [T, (way: T) => void] {
  const { list, set } = useAddress()
  const asked = valueFor(list('as'), card)
  const chosen = ways.find((way) => way === asked) ?? ways[0]
  const choose = useCallback(
    (way: T) => set({ as: withValue(list('as'), card, way === ways[0] ? null : way) }),
    [set, list, card, ways],
  )
  return [chosen, choose]
}

/** The window of a card whose x is its own. */
export function useCardWindow(card: string): ChartWindow {
  const { list, set } = useAddress()
  const write = useCallback(
    (text: string | null) => set({ zooms: withValue(list('zooms'), card, text) }, { push: true }),
    [set, list, card],
  )
  return useWindow(valueFor(list('zooms'), card), write)
}
