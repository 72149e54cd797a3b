import { SegmentedControl, useComputedColorScheme } from '@mantine/core'
import { useMemo, useState } from 'react'
import { ChartFrame } from '../../../../charts/ChartFrame'
import { LineChart } from '../../../../charts/LineChart'
import { type Line, NO_SMOOTHING, type Span, type View } from '../../../../charts/types'
import { formatNumber } from '../../../../parts/format'
import type { ClassCurve } from './parse'

interface Props {
  readonly curves: readonly ClassCurve[]
  readonly title: string
}

function lineOf(curve: ClassCurve, slot: number, kind: 'roc' | 'pr'): Line {
  const points = curve.falsePositive.map((falsePositive, at) => ({
    x: kind === 'roc' ? falsePositive : (curve.truePositive[at] ?? Number.NaN),
    y: (kind === 'roc' ? curve.truePositive[at] : curve.precision[at]) ?? Number.NaN,
  }))
  points.sort((a, b) => a.x - b.x)
  return {
    id: String(slot),
    label: kind === 'roc' ? `${curve.label}, AUC ${formatNumber(Math.round(curve.area * 1e4) / 1e4)}` : curve.label,
    slot,
    x: Float64Array.from(points, ({ x }) => x),
    y: Float64Array.from(points, ({ y }) => y),
    exact: true,
    total: points.length,
  }
}

/** ROC and precision–recall curves of each class. */
export function AccuracyTable({ curves, title }: Props) {
  const dark = useComputedColorScheme('light') === 'dark'
  const [kind, setKind] = useState<'roc' | 'pr'>('roc')
  const [window, setWindow] = useState<Span | null>(null)
  const lines = useMemo(() => curves.map((curve, at) => lineOf(curve, at, kind)), [curves, kind])
  const view = useMemo<View>(
    () => ({ xKind: 'number', logX: false, logY: false, smoothing: NO_SMOOTHING, window }),
    [window],
  )
  const xLabel = kind === 'roc' ? 'false positive rate' : 'recall'
  const named = `${title}: ${kind === 'roc' ? 'true positive rate over false positive rate' : 'precision over recall'}`
  return (
    <>
      <SegmentedControl
        size="xs"
        aria-label={`Curves of ${title}`}
        data={[
          { value: 'roc', label: 'ROC' },
          { value: 'pr', label: 'Precision–recall' },
        ]}
        value={kind}
        onChange={(value) => setKind(value === 'pr' ? 'pr' : 'roc')}
      />
      <ChartFrame title={named} lines={lines} view={view} xLabel={xLabel} dark={dark}>
        <LineChart
          title={named}
          lines={lines}
          view={view}
          height={220}
          dark={dark}
          xLabel={xLabel}
          onWindow={setWindow}
          legendRows={4}
        />
      </ChartFrame>
    </>
  )
}
