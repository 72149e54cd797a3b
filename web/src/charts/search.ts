/** Index of the first x that is not below `value`; x.length if all are. */
export function lowerBound(x: Float64Array, value: number): number {
  let low = 0
  let high = x.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((x[middle] as number) < value) {
      low = middle + 1
    } else {
      high = middle
    }
  }
  return low
}

/** Index of the x nearest to `value`; -1 where there is none. */
export function nearest(x: Float64Array, value: number): number {
  if (x.length === 0) {
    return -1
  }
  const at = lowerBound(x, value)
  if (at === 0) {
    return 0
  }
  if (at === x.length) {
    return x.length - 1
  }
  return value - (x[at - 1] as number) <= (x[at] as number) - value ? at - 1 : at
}
