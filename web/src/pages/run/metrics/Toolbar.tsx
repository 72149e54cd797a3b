import { Button, Checkbox, SegmentedControl, Select, Slider, TextInput } from '@mantine/core'
import { type ReactNode, useEffect, useRef, useState } from 'react'
import { NO_SMOOTHING, type Smoothing } from '../../../charts/types'
import { formatCount } from '../../../parts/format'
import { Icon } from '../../../parts/Icon'
import type { Address, AddressChanges } from '../../../state/address'
import { useKeys } from '../../../state/keys'
import { type ChartSettings, type ChartSize, writeSmoothing } from './settings'
import classes from './Toolbar.module.css'

interface Props {
  readonly settings: ChartSettings
  readonly address: Address
  readonly found: number
  readonly total: number
  /** Names of the groups, and which are closed. */
  readonly groups: readonly string[]
  readonly closed: ReadonlySet<string>
  readonly onClose: (groups: readonly string[]) => void
  /** What zooms. */
  readonly zoom: ReactNode
}

/** Search, axes, smoothing, zoom and sizes of all charts of the page. */
export function Toolbar({ settings, address, found, total, groups, closed, onClose, zoom }: Props) {
  const search = useRef<HTMLInputElement>(null)
  const find = address.get('find') ?? ''
  const [text, setText] = useState(find)
  useKeys({ '/': { does: 'Search the metrics', act: () => search.current?.focus() } })
  const setLater = useLater(address)
  // What the address says comes back into the field: the browser's Back, a link.
  useEffect(() => setText((typed) => (typed.trim() === find ? typed : find)), [find])
  const areClosed = groups.every((name) => closed.has(name))
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
      <ChartControls settings={settings} address={address} />
      {zoom}
      <SegmentedControl
        size="xs"
        aria-label="Size of charts"
        data={[
          { value: 'small', label: 'S' },
          { value: 'medium', label: 'M' },
          { value: 'large', label: 'L' },
        ]}
        value={settings.size}
        onChange={(size) => address.set({ size: (size as ChartSize) === 'medium' ? null : size })}
      />
      {groups.length > 1 && (
        <Button size="compact-xs" variant="default" onClick={() => onClose(areClosed ? [] : groups)}>
          {areClosed ? 'Open all groups' : 'Close all groups'}
        </Button>
      )}
    </div>
  )
}

const START: Readonly<Record<Smoothing['kind'], Smoothing>> = {
  none: NO_SMOOTHING,
  ema: { kind: 'ema', amount: 0.6 },
  window: { kind: 'window', amount: 20 },
}

/** How lines are drawn: x axis, logarithms, smoothing. */
export function ChartControls({ settings, address }: { readonly settings: ChartSettings; readonly address: Address }) {
  const { smoothing } = settings
  const [amount, setAmount] = useState(smoothing.amount)
  const setLater = useLater(address)
  useEffect(() => setAmount(smoothing.amount), [smoothing.amount])
  return (
    <>
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
    </>
  )
}

/** Browsers refuse an address that changes with every key and every pixel of a slider. */
function useLater(address: Address): (changes: AddressChanges) => void {
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined)
  useEffect(() => () => clearTimeout(timer.current), [])
  return (changes) => {
    clearTimeout(timer.current)
    timer.current = setTimeout(() => address.set(changes), 150)
  }
}
