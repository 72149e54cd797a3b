/** The path of a small chart, in a box of `width` × `height` with y downwards; '' where there is no line to draw. */
export function sparklinePath(x: Float64Array, y: Float64Array, width: number, height: number): string {
  let low = Number.POSITIVE_INFINITY
  let high = Number.NEGATIVE_INFINITY
  let points = 0
  for (const value of y) {
    if (!Number.isFinite(value)) continue
    points += 1
    if (value < low) low = value
    if (value > high) high = value
  }
  if (points < 2) return ''
  const from = x[0] ?? 0
  const across = (x[x.length - 1] ?? 0) - from || 1
  const tall = high - low || 1
  let path = ''
  let isDown = false
  for (let at = 0; at < y.length; at += 1) {
    const value = y[at] ?? Number.NaN
    if (!Number.isFinite(value)) {
      isDown = false
      continue
    }
    const left = (((x[at] ?? 0) - from) / across) * width
    const top = high === low ? height / 2 : height - ((value - low) / tall) * height
    path += `${isDown ? 'L' : 'M'}${left.toFixed(1)} ${top.toFixed(1)}`
    isDown = true
  }
  return path
}
