import { useComputedColorScheme } from '@mantine/core'
import { type JSX, useMemo } from 'react'
import type { RunRow } from '../../../api/types'
import { LineChart } from '../../../charts/LineChart'
import { type Line, NO_SMOOTHING, type View } from '../../../charts/types'
import { type Primary, progressOf } from './trials_of'

interface Props {
  readonly rows: readonly RunRow[]
  readonly primary: Primary
}

const VIEW: View = { xKind: 'number', logX: false, logY: false, smoothing: NO_SMOOTHING, window: null }
const HEIGHT = 200

/** What each trial gave, and the best up to there. */
export function BestSoFar({ rows, primary }: Props): JSX.Element | null {
  const dark = useComputedColorScheme('light') === 'dark'
  const lines = useMemo<Line[]>(() => {
    const { trial, value, best } = progressOf(rows, primary)
    const shared = { x: trial, exact: true, total: trial.length }
    return [
      { ...shared, id: 'best', label: 'best so far', slot: 0, y: best },
      { ...shared, id: 'each', label: 'each trial', slot: 1, y: value, shape: 'points' },
    ]
  }, [rows, primary])
  if (lines[0]?.total === 0) return null
  return (
    <LineChart
      title={`Best ${primary.name} so far`}
      lines={lines}
      view={VIEW}
      height={HEIGHT}
      dark={dark}
      xLabel="trial"
      legendRows={2}
    />
  )
}
