import { useSyncExternalStore } from 'react'
import { colourOf } from './colours'
import type { Crosshair } from './crosshair'
import { formatNumber, formatX } from './format'
import { ownerOf } from './highlight'
import classes from './Readout.module.css'
import { byDistance, type Reading, readingsAt } from './readings'
import type { Scene } from './scene'
import type { XKind } from './types'
import type { Unit } from './units'

interface ReadoutProps {
  readonly scene: Scene
  readonly xKind: XKind
  readonly xLabel: string
  readonly crosshair: Crosshair
  /** Height of the pointer on the y axis, in this chart; null where it is elsewhere. */
  readonly pointerY: number | null
  /** Whose lines stand out, if any. */
  readonly focus: string | null
  readonly rows: number
  readonly dark: boolean
  readonly unit?: Unit | undefined
  readonly onFocus: (owner: string | null) => void
}

/**
 * The legend: what each line says at the crosshair, or at its end. Of many lines those nearest to the pointer, else
 * those that stand out.
 */
export function Readout(props: ReadoutProps) {
  const { scene, xKind, xLabel, crosshair, pointerY, focus, rows, dark, onFocus } = props
  const x = useSyncExternalStore(crosshair.subscribe, crosshair.get)
  const format = props.unit?.format ?? ((value: number) => formatNumber(value, 6))
  let readings = readingsAt(scene, x)
  if (pointerY !== null && x !== null && readings.length > rows) {
    readings = byDistance(readings, pointerY, scene.logY)
  } else if (focus !== null && readings.length > rows) {
    const isFocused = (reading: Reading) => ownerOf(reading.line) === focus
    readings = [...readings.filter(isFocused), ...readings.filter((reading) => !isFocused(reading))]
  }
  const named = scene.lines.length > 1
  const first = readings[0]
  return (
    <ul className={classes.list}>
      {readings.slice(0, rows).map((reading) => (
        <li
          key={reading.line.id}
          className={classes.row}
          onMouseEnter={() => onFocus(named ? ownerOf(reading.line) : null)}
          onMouseLeave={() => onFocus(null)}
        >
          <span className={classes.key} style={{ background: colourOf(reading.line.slot, dark) }} />
          {named && (
            <span className={classes.label} title={reading.line.label}>
              {reading.line.label}
            </span>
          )}
          <span className={classes.value}>{described(reading, format)}</span>
          {(!named || reading.x !== first?.x || reading === first) && (
            <span className={classes.place}>{formatX(reading.x, xKind, xLabel)}</span>
          )}
          <span className={classes.band}>{bandOf(reading, format)}</span>
        </li>
      ))}
      {readings.length > rows && <li className={classes.more}>and {readings.length - rows} more lines</li>}
    </ul>
  )
}

function described({ y, smooth }: Reading, format: (value: number) => string): string {
  const raw = format(y)
  return smooth !== null && Number.isFinite(smooth) ? `${format(smooth)} (${raw})` : raw
}

/** The least and the greatest value around the point, where not every point is shown. */
function bandOf({ low, high }: Reading, format: (value: number) => string): string {
  return low !== null && high !== null && low < high ? `${format(low)} … ${format(high)}` : ''
}
