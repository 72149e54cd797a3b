import { Button, Checkbox, SegmentedControl, Select, Slider, TextInput } from '@mantine/core'
import { useEffect, useRef, useState } from 'react'
import { NO_SMOOTHING, type Smoothing } from '../../../charts/types'
import { formatCount } from '../../../parts/format'
import { Icon } from '../../../parts/Icon'
import type { Address, AddressChanges } from '../../../state/address'
import { useKeys } from '../../../state/keys'
import { type ChartSettings, writeSmoothing } from './settings'
import classes from './Toolbar.module.css'

interface Props {
  readonly settings: ChartSettings
  readonly address: Address
  readonly found: number
  readonly total: number
}

const START: Readonly<Record<Smoothing['kind'], Smoothing>> = {
  none: NO_SMOOTHING,
  ema: { kind: 'ema', amount: 0.6 },
  window: { kind: 'window', amount: 20 },
}

/** Search, x axis, logarithms and smoothing of all charts of the page. */
export function Toolbar({ settings, address, found, total }: Props) {
  const search = useRef<HTMLInputElement>(null)
  const find = address.get('find') ?? ''
  const [text, setText] = useState(find)
  const { smoothing } = settings
  useKeys({ '/': () => search.current?.focus() })
  const [amount, setAmount] = useState(smoothing.amount)
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined)
  // Browsers refuse an address that changes with every key and every pixel of a slider.
  const setLater = (changes: AddressChanges) => {
    clearTimeout(timer.current)
    timer.current = setTimeout(() => address.set(changes), 150)
  }
  useEffect(() => () => clearTimeout(timer.current), [])
  // What the address says comes back into the fields: the browser's Back, a link.
  useEffect(() => setText((typed) => (typed.trim() === find ? typed : find)), [find])
  useEffect(() => setAmount(smoothing.amount), [smoothing.amount])
  return (
    <div className={classes.bar} role="toolbar" aria-label="Charts">
      <TextInput
        ref={search}
        size="xs"
        className={classes.search}
        aria-label="Search metrics"
        placeholder="Search metrics ( / )"
        leftSection={<Icon name="search" size={14} />}
        value={text}
        onChange={(event) => {
          setText(event.currentTarget.value)
          setLater({ find: event.currentTarget.value.trim() })
        }}
      />
      <span className={classes.count} role="status">
        {found === total ? formatCount(total, 'metric') : `${found} of ${total.toLocaleString('en')} metrics`}
      </span>
      <SegmentedControl
        size="xs"
        aria-label="x axis"
        data={[
          { value: 'step', label: 'Step' },
          { value: 'relative', label: 'Relative time' },
          { value: 'time', label: 'Time' },
        ]}
        value={settings.x}
        onChange={(x) => address.set({ x: x === 'step' ? null : x, zoom: null })}
      />
      <Checkbox
        size="xs"
        label="log x"
        checked={settings.logX}
        onChange={(event) => address.set({ logx: event.currentTarget.checked ? '1' : null })}
      />
      <Checkbox
        size="xs"
        label="log y"
        checked={settings.logY}
        onChange={(event) => address.set({ logy: event.currentTarget.checked ? '1' : null })}
      />
      <Select
        size="xs"
        className={classes.smoothing}
        aria-label="Smoothing"
        allowDeselect={false}
        data={[
          { value: 'none', label: 'No smoothing' },
          { value: 'ema', label: 'Moving average (EMA)' },
          { value: 'window', label: 'Mean of a window' },
        ]}
        value={smoothing.kind}
        onChange={(kind) => address.set({ smooth: writeSmoothing(START[(kind ?? 'none') as Smoothing['kind']]) })}
      />
      {smoothing.kind !== 'none' && (
        <Slider
          className={classes.amount}
          size="sm"
          thumbLabel={smoothing.kind === 'ema' ? 'Weight of the past' : 'Points of the window'}
          min={smoothing.kind === 'ema' ? 0.05 : 2}
          max={smoothing.kind === 'ema' ? 0.99 : 200}
          step={smoothing.kind === 'ema' ? 0.01 : 1}
          value={amount}
          onChange={(value) => {
            setAmount(value)
            setLater({ smooth: writeSmoothing({ kind: smoothing.kind, amount: value }) })
          }}
        />
      )}
      {settings.window && (
        <Button size="compact-xs" variant="default" onClick={() => address.set({ zoom: null })}>
          Show all of x
        </Button>
      )}
    </div>
  )
}
