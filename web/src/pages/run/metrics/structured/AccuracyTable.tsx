import { type ReactNode, useMemo } from 'react'
import { ChartFrame } from '../../../../charts/ChartFrame'
import { useDark } from '../../../../charts/dark'
import { LineChart } from '../../../../charts/LineChart'
import { type Line, NO_SMOOTHING, type View } from '../../../../charts/types'
import { ZoomBar } from '../../../../charts/ZoomBar'
import { Choice } from '../../../../parts/Choice'
import { formatNumber } from '../../../../parts/format'
import type { ChartWindow } from '../use_window'
import type { ClassCurve } from './parse'

interface Props {
  readonly curves: readonly ClassCurve[]
  readonly title: string
  readonly height: number
  readonly kind: CurveKind
  readonly onKind: (kind: CurveKind) => void
  readonly window: ChartWindow
  /** More buttons in the card's head. */
  readonly actions?: ReactNode
}

/** ROC, or precision over recall. */
export type CurveKind = 'roc' | 'pr'

const ALL = { from: 0, to: 1 }

function lineOf(curve: ClassCurve, slot: number, kind: CurveKind): Line {
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
export function AccuracyTable({ curves, title, height, kind, onKind, window, actions }: Props) {
  const dark = useDark()
  const lines = useMemo(() => curves.map((curve, at) => lineOf(curve, at, kind)), [curves, kind])
  const view = useMemo<View>(
    () => ({ xKind: 'number', logX: false, logY: false, smoothing: NO_SMOOTHING, window: window.drawn, showsY: ALL }),
    [window.drawn],
  )
  const xLabel = kind === 'roc' ? 'false positive rate' : 'recall'
  const note = kind === 'roc' ? 'true over false positive rate' : 'precision over recall'
  const named = `${title}: ${note}`
  return (
    <ChartFrame
      title={title}
      note={note}
      lines={lines}
      view={view}
      xLabel={xLabel}
      dark={dark}
      actions={
        <>
          <Choice
            label={`Curves of ${title}`}
            options={[
              { value: 'roc', label: 'ROC' },
              { value: 'pr', label: 'PR' },
            ]}
            value={kind}
            onChange={onKind}
          />
          {actions}
        </>
      }
    >
      {window.drawn && (
        <ZoomBar label={`Zoom of ${title}`} window={window.drawn} extent={ALL} log={false} onWindow={window.show} />
      )}
      <LineChart
        title={named}
        lines={lines}
        view={view}
        height={height}
        dark={dark}
        xLabel={xLabel}
        extent={ALL}
        onWindow={window.show}
        legendRows={height > 300 ? 12 : 3}
      />
    </ChartFrame>
  )
}
