import type { Metric } from '../../../api/types'
import type { Crosshair } from '../../../charts/crosshair'
import type { Highlight } from '../../../charts/highlight'
import type { Span, View } from '../../../charts/types'
import type { ChartWindow } from './use_window'

/** What the charts of a page have in common. */
export interface ChartsContext {
  readonly view: View
  readonly window: ChartWindow
  /** All of x that the page's metrics have; null where that is not known. */
  readonly extent: Span | null
  /** All of x that one metric has, where its summary tells it. */
  readonly extentOf?: (metric: Metric) => Span | null
  readonly xLabel: string
  readonly crosshair?: Crosshair | undefined
  readonly highlight?: Highlight | undefined
  /** Of plots in the grid, in px. */
  readonly height: number
}
