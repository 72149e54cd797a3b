import { type JSX, useMemo, useState } from 'react'
import { ChartFrame } from '../../../charts/ChartFrame'
import { useDark } from '../../../charts/dark'
import { LineChart } from '../../../charts/LineChart'
import { type Line, NO_SMOOTHING, type Span, type View } from '../../../charts/types'
import classes from './TrialCharts.module.css'
import { type Primary, progressOf, type TrialRow } from './trials_of'

interface Props {
  readonly rows: readonly TrialRow[]
  readonly primary: Primary
  readonly height: number
}

/** What each trial gave, and the best up to there. */
export function BestSoFar({ rows, primary, height }: Props): JSX.Element {
  const dark = useDark()
  const [logY, setLogY] = useState(false)
  const [span, setSpan] = useState<Span | null>(null)
  const lines = useMemo<Line[]>(() => {
    const { trial, value, best } = progressOf(rows, primary)
    const shared = { x: trial, exact: true, total: trial.length }
    return [
      { ...shared, id: 'best', label: 'best so far', slot: 0, y: best, shape: 'steps' },
      { ...shared, id: 'each', label: 'each trial', slot: 1, y: value, shape: 'points' },
    ]
  }, [rows, primary])
  const view = useMemo<View>(
    () => ({ xKind: 'number', logX: false, logY, smoothing: NO_SMOOTHING, window: span }),
    [logY, span],
  )
  const title = `Best ${primary.name} so far`
  const canLog = lines[1]?.y.some((value) => value > 0) ?? false
  return (
    <ChartFrame
      title={title}
      lines={lines}
      view={view}
      xLabel="trial"
      dark={dark}
      actions={
        canLog && (
          <label className={classes.log}>
            <input type="checkbox" checked={logY} onChange={(event) => setLogY(event.currentTarget.checked)} /> Log y
          </label>
        )
      }
    >
      {lines[0]?.total === 0 ? (
        <p>No trial has given a number yet.</p>
      ) : (
        <LineChart
          title={title}
          lines={lines}
          view={view}
          height={height}
          dark={dark}
          xLabel="trial"
          onWindow={(window) => setSpan(window)}
          legendRows={2}
        />
      )}
    </ChartFrame>
  )
}
