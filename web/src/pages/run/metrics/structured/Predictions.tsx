import { type ReactNode, useMemo } from 'react'
import { ChartFrame } from '../../../../charts/ChartFrame'
import { useDark } from '../../../../charts/dark'
import { LineChart } from '../../../../charts/LineChart'
import { type Line, NO_SMOOTHING, type View } from '../../../../charts/types'
import type { ChartWindow } from '../use_window'
import type { Predictions as Bins } from './parse'

interface Props {
  readonly predictions: Bins
  readonly title: string
  readonly height: number
  readonly window: ChartWindow
  /** More buttons in the card's head. */
  readonly actions?: ReactNode
}

function linesOf({ averages, errors, edges }: Bins): Line[] {
  const x = Float64Array.from(averages, (_, at) => ((edges[at] as number) + (edges[at + 1] as number)) / 2)
  const y = Float64Array.from(averages)
  const line = { exact: true, total: x.length }
  return [
    {
      ...line,
      id: 'predicted',
      label: 'mean predicted, ± error',
      slot: 0,
      x,
      y,
      low: Float64Array.from(averages, (value, at) => value - Math.abs(errors[at] ?? 0)),
      high: Float64Array.from(averages, (value, at) => value + Math.abs(errors[at] ?? 0)),
    },
    { ...line, id: 'ideal', label: 'ideal', slot: 1, x, y: x },
  ]
}

/** The mean prediction of each bin of true values with its error, beside the ideal. */
export function Predictions({ predictions, title, height, window, actions }: Props) {
  const dark = useDark()
  const lines = useMemo(() => linesOf(predictions), [predictions])
  const view = useMemo<View>(
    () => ({ xKind: 'number', logX: false, logY: false, smoothing: NO_SMOOTHING, window: window.drawn }),
    [window.drawn],
  )
  const named = `${title}: predicted over true`
  return (
    <ChartFrame
      title={title}
      note="predicted over true"
      lines={lines}
      view={view}
      xLabel="true value"
      dark={dark}
      actions={actions}
    >
      <LineChart
        title={named}
        lines={lines}
        view={view}
        height={height}
        dark={dark}
        xLabel="true value"
        onWindow={window.show}
        legendRows={2}
      />
    </ChartFrame>
  )
}
