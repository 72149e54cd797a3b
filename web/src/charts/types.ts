/** What the charts draw. Nothing here knows of the portal: the notebook widget uses the same. */

/** The meaning of x: a step, a moment (seconds since 1970), seconds since the run's start, or any number. */
export type XKind = 'step' | 'time' | 'relative' | 'number'

/** One line: y over x, x ascending. NaN in y is a gap. */
export interface Line {
  readonly id: string
  readonly label: string
  /** Whose line it is, where several charts have lines of the same: they stand out together. */
  readonly owner?: string | undefined
  /** Which colour and dash of the palette; the same run keeps its slot in every chart. */
  readonly slot: number
  readonly x: Float64Array
  readonly y: Float64Array
  /** The least and greatest value around each point where not every point is shown. */
  readonly low?: Float64Array | undefined
  readonly high?: Float64Array | undefined
  /** True where every point of the window is here. */
  readonly exact: boolean
  /** Points of the metric in the window, drawn or not. */
  readonly total: number
  /** "line" unless told. "steps": a value stays until the next one. */
  readonly shape?: 'line' | 'points' | 'steps' | undefined
}

/** A window of x, both ends in it. */
export interface Span {
  readonly from: number
  readonly to: number
}

/** How values are smoothed: an exponential moving average (amount 0–1), or the mean of so many points. */
export interface Smoothing {
  readonly kind: 'none' | 'ema' | 'window'
  readonly amount: number
}

export const NO_SMOOTHING: Smoothing = { kind: 'none', amount: 0 }

/** Everything that decides where a point is drawn. */
export interface View {
  readonly xKind: XKind
  readonly logX: boolean
  readonly logY: boolean
  readonly smoothing: Smoothing
  readonly window: Span | null
  /** Values of y that are always shown. */
  readonly showsY?: Span | undefined
}
