import { ActionIcon, Group, Modal } from '@mantine/core'
import { useViewportSize } from '@mantine/hooks'
import type { ReactNode } from 'react'
import { Icon } from '../../../parts/Icon'
import type { Card } from './arrange'
import { cardId } from './card_state'
import classes from './Enlarged.module.css'

interface Props {
  /** All that can be enlarged, in order. */
  readonly cards: readonly Card[]
  /** Which one is, by its id; null for none. */
  readonly shown: string | null
  readonly onShow: (id: string | null) => void
  /** How lines are drawn, above them. */
  readonly controls?: ReactNode
  /** The card, its plot so many px high. */
  readonly render: (card: Card, height: number) => ReactNode
}

/** What is around a plot that fills the window. */
const AROUND = 250
const LEAST = 220

/** One card in the whole window; the ones before and after it are one press away. */
export function Enlarged({ cards, shown, onShow, controls, render }: Props) {
  const { height } = useViewportSize()
  const at = shown === null ? -1 : cards.findIndex((card) => cardId(card.metric) === shown)
  const card = cards[at]
  const go = (by: number) => {
    const next = cards[(at + by + cards.length) % cards.length]
    if (next) onShow(cardId(next.metric))
  }
  return (
    <Modal
      opened={card !== undefined}
      onClose={() => onShow(null)}
      fullScreen
      title={
        <Group gap={4} wrap="nowrap">
          {cards.length > 1 && (
            <>
              <ActionIcon variant="default" aria-label="Metric before" onClick={() => go(-1)}>
                <Icon name="left" size={15} />
              </ActionIcon>
              <ActionIcon variant="default" aria-label="Next metric" onClick={() => go(1)}>
                <Icon name="right" size={15} />
              </ActionIcon>
            </>
          )}
          <span className={classes.title}>{card?.metric.name}</span>
          <span className={classes.place}>
            {cards.length > 1 ? `${(at + 1).toLocaleString('en')} of ${cards.length.toLocaleString('en')}` : ''}
          </span>
        </Group>
      }
      closeButtonProps={{ 'aria-label': 'Close' }}
    >
      {card && (
        <>
          {controls && card.kind === 'line' && <div className={classes.controls}>{controls}</div>}
          {render(card, Math.max(LEAST, height - AROUND))}
        </>
      )}
    </Modal>
  )
}
