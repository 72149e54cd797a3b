import { type ReactNode, useMemo } from 'react'
import { ChartFrame } from '../../../charts/ChartFrame'
import { useDark } from '../../../charts/dark'
import { LineChart } from '../../../charts/LineChart'
import type { Unit } from '../../../charts/units'
import { ZoomBar } from '../../../charts/ZoomBar'
import { Problem } from '../../../parts/Problem'
import { CardBox } from './CardBox'
import type { ChartsContext } from './charts_context'
import { LargeButton } from './LineCard'
import { useManyLines, type WantedLine } from './use_lines'

interface Props {
  readonly title: string
  readonly note?: ReactNode
  /** Must be the same object as long as the same lines are wanted. */
  readonly wanted: readonly WantedLine[]
  readonly charts: ChartsContext
  readonly unit?: Unit | undefined
  /** Where all points are to be had as CSV. */
  readonly allPoints?: string | undefined
  readonly legendRows: number
  readonly onLarge?: (() => void) | undefined
  /** The plot's height in px where it is enlarged; then it has a bar that zooms. */
  readonly large?: number | undefined
}

const POINTS = 600
const LARGE_POINTS = 3000
const WIDE = 300

/** Several lines in one chart. */
export function LinesCard({ title, note, wanted, charts, unit, allPoints, legendRows, onLarge, large }: Props) {
  const dark = useDark()
  const { view, window, xLabel, crosshair, highlight, extent } = charts
  const height = large ?? charts.height
  const asked = useMemo(
    () => ({
      x: view.xKind === 'number' ? ('step' as const) : view.xKind,
      points: height > WIDE ? LARGE_POINTS : POINTS,
      ...(window.settled ? { from: window.settled.from, to: window.settled.to } : {}),
    }),
    [view.xKind, window.settled, height],
  )
  const { lines, error, refetch, isPending } = useManyLines(wanted, asked)
  return (
    <CardBox>
      <ChartFrame
        title={title}
        note={lines.some((line) => !line.exact) ? 'band: all points' : note}
        lines={lines}
        view={view}
        xLabel={xLabel}
        dark={dark}
        unit={unit}
        allPoints={allPoints}
        actions={onLarge && <LargeButton title={title} onLarge={onLarge} />}
      >
        {large !== undefined && (
          <ZoomBar
            label={`Zoom of ${title}`}
            window={window.drawn}
            extent={extent}
            log={view.logX}
            crosshair={crosshair}
            onWindow={window.show}
          />
        )}
        {error ? (
          <Problem error={error} title="This could not be drawn" onRetry={refetch} />
        ) : (
          <LineChart
            title={title}
            lines={lines}
            view={view}
            height={height}
            dark={dark}
            crosshair={crosshair}
            highlight={highlight}
            unit={unit}
            extent={extent}
            onWindow={window.show}
            legendRows={legendRows}
          />
        )}
        <span aria-live="polite" className="sr-only">
          {isPending ? `Loading ${title}` : ''}
        </span>
      </ChartFrame>
    </CardBox>
  )
}
