/** How the values of a y axis are written, and which of them are round. */
export interface Unit {
  readonly format: (value: number) => string
  /** Round numbers are those of 1024 (bytes), not of 10. */
  readonly binary?: boolean
  /** Values that the axis always shows: an axis of percents from 0 to 100 tells how much is left. */
  readonly shows?: { readonly from: number; readonly to: number }
}
