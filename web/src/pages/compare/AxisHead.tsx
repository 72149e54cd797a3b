import { ActionIcon, Button, Checkbox, Group, NumberInput, Popover, Stack, Text } from '@mantine/core'
import { type JSX, useState } from 'react'
import { Icon } from '../../parts/Icon'
import classes from './AxisHead.module.css'
import type { Brush } from './brushes'
import type { Axis } from './scales'

interface Properties {
  readonly name: string
  readonly axis: Axis
  readonly brush: Brush | null
  /** Px from the left of the plot. */
  readonly left: number
  readonly width: number
  readonly onBrush: (brush: Brush | null) => void
}

/** An axis's name, and a button by which its range is told without drawing it. */
export function AxisHead({ name, axis, brush, left, width, onBrush }: Properties): JSX.Element {
  const [opened, setOpened] = useState(false)
  return (
    <div className={classes.head} style={{ left, width }}>
      <span className={classes.name} title={name}>
        {name}
      </span>
      <Popover opened={opened} onChange={setOpened} withArrow trapFocus shadow="md">
        <Popover.Target>
          <ActionIcon
            size="sm"
            variant={brush ? 'filled' : 'subtle'}
            color={brush ? undefined : 'gray'}
            aria-label={`Range of ${name}`}
            title="Range"
            onClick={() => setOpened(!opened)}
          >
            <Icon name="filter" size={13} />
          </ActionIcon>
        </Popover.Target>
        <Popover.Dropdown>
          <Stack gap="xs">
            {axis.kind === 'number' ? (
              <Range axis={axis} brush={brush?.kind === 'range' ? brush : null} onBrush={onBrush} />
            ) : (
              <Texts values={axis.values} brush={brush?.kind === 'texts' ? brush : null} onBrush={onBrush} />
            )}
            <Group justify="end" gap="xs">
              <Button size="compact-xs" variant="default" disabled={!brush} onClick={() => onBrush(null)}>
                Any value
              </Button>
              <Button size="compact-xs" variant="default" onClick={() => setOpened(false)}>
                Close
              </Button>
            </Group>
          </Stack>
        </Popover.Dropdown>
      </Popover>
    </div>
  )
}

interface RangeProperties {
  readonly axis: Axis & { readonly kind: 'number' }
  readonly brush: (Brush & { readonly kind: 'range' }) | null
  readonly onBrush: (brush: Brush | null) => void
}

function Range({ axis, brush, onBrush }: RangeProperties): JSX.Element {
  const from = brush?.from ?? Number(axis.min.toPrecision(4))
  const to = brush?.to ?? Number(axis.max.toPrecision(4))
  const set = (low: number, high: number) => low <= high && onBrush({ kind: 'range', from: low, to: high })
  return (
    <Group gap="xs" wrap="nowrap">
      <NumberInput
        size="xs"
        w={110}
        label="From"
        value={from}
        onChange={(value) => typeof value === 'number' && set(value, to)}
      />
      <NumberInput
        size="xs"
        w={110}
        label="To"
        value={to}
        onChange={(value) => typeof value === 'number' && set(from, value)}
      />
    </Group>
  )
}

interface TextsProperties {
  readonly values: readonly string[]
  readonly brush: (Brush & { readonly kind: 'texts' }) | null
  readonly onBrush: (brush: Brush | null) => void
}

const MOST_TEXTS = 50

function Texts({ values, brush, onBrush }: TextsProperties): JSX.Element {
  const chosen = brush?.texts ?? values
  return (
    <div className={classes.texts}>
      <Stack gap={6}>
        {values.slice(0, MOST_TEXTS).map((text) => (
          <Checkbox
            key={text}
            size="xs"
            label={text === '' ? '(empty)' : text}
            checked={chosen.includes(text)}
            onChange={(event) => {
              const next = event.currentTarget.checked ? [...chosen, text] : chosen.filter((each) => each !== text)
              onBrush(next.length === values.length ? null : { kind: 'texts', texts: next })
            }}
          />
        ))}
      </Stack>
      {values.length > MOST_TEXTS && <Text size="xs">and {values.length - MOST_TEXTS} more</Text>}
    </div>
  )
}
