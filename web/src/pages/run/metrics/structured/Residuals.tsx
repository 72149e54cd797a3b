import type { ReactNode } from 'react'
import { formatNumber } from '../../../../parts/format'
import head from '../TableCard.module.css'
import type { Residuals as Bins } from './parse'
import classes from './Residuals.module.css'

interface Props {
  readonly residuals: Bins
  readonly title: string
  readonly height: number
  /** More buttons in the card's head. */
  readonly actions?: ReactNode
}

const WIDTH = 480
const HEIGHT = 200

/** How often which error was made: a histogram. */
export function Residuals({ residuals: { edges, counts }, title, height, actions }: Props) {
  const first = edges[0] as number
  const whole = counts.length < edges.length
  // A last bin without an upper edge is drawn as wide as the one before it.
  const last = whole
    ? (edges[counts.length] as number)
    : 2 * (edges.at(-1) as number) - ((edges.at(-2) as number | undefined) ?? first)
  const most = Math.max(...counts, 0)
  const x = (value: number) => ((value - first) / (last - first || 1)) * WIDTH
  return (
    <figure className={classes.figure}>
      <header className={head.header}>
        <h3 className={head.title}>{title}</h3>
        <span className={head.actions}>{actions}</span>
      </header>
      <svg
        className={classes.plot}
        style={{ maxHeight: height }}
        viewBox={`0 -2 ${WIDTH} ${HEIGHT + 24}`}
        role="img"
        aria-label={`Residuals ${title}: ${counts.length} bins from ${formatNumber(first)} to ${formatNumber(last)}`}
      >
        {counts.map((count, at) => {
          const from = edges[at] as number
          const to = edges[at + 1] ?? last
          const tall = most > 0 ? (Math.max(count, 0) / most) * HEIGHT : 0
          return (
            <rect
              key={from}
              className={classes.bar}
              x={x(from) + 0.5}
              y={HEIGHT - tall}
              width={Math.max(x(to) - x(from) - 1, 0.5)}
              height={tall}
            >
              <title>{`${formatNumber(from)} to ${formatNumber(to)}: ${formatNumber(count)}`}</title>
            </rect>
          )
        })}
        <path className={classes.axis} d={`M0 ${HEIGHT}H${WIDTH}`} />
        <text className={classes.text} x={0} y={HEIGHT + 16}>
          {formatNumber(first)}
        </text>
        <text className={classes.text} x={WIDTH} y={HEIGHT + 16} textAnchor="end">
          {formatNumber(last)}
        </text>
      </svg>
      <figcaption>Residual (x) and how often it occurred; most: {formatNumber(most)}</figcaption>
    </figure>
  )
}
