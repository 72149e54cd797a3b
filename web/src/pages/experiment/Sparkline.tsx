import { memo } from 'react'
import type { Series } from '../../api/series'
import { sparklinePath } from './sparkline_path'
import classes from './table.module.css'

const WIDTH = 72
const HEIGHT = 20

interface Props {
  readonly series: Series | undefined
}

/** A metric's course, beside its last value. */
export const Sparkline = memo(function Sparkline({ series }: Props) {
  const path = series ? sparklinePath(series.x, series.y, WIDTH, HEIGHT) : ''
  return (
    <svg
      className={classes.sparkline}
      width={WIDTH}
      height={HEIGHT + 2}
      viewBox={`0 -1 ${WIDTH} ${HEIGHT + 2}`}
      aria-hidden="true"
    >
      {path && <path d={path} />}
    </svg>
  )
})
