import type { ReactNode } from 'react'
import { Choice } from '../../../../parts/Choice'
import { formatNumber } from '../../../../parts/format'
import head from '../TableCard.module.css'
import classes from './ConfusionMatrix.module.css'
import type { ConfusionMatrix as Matrix } from './parse'

interface Props {
  readonly matrix: Matrix
  readonly title: string
  readonly height: number
  readonly way: MatrixWay
  readonly onWay: (way: MatrixWay) => void
  /** More buttons in the card's head. */
  readonly actions?: ReactNode
}

/** Counts, or each row's shares. */
export type MatrixWay = 'counts' | 'shares'

/** More classes than these are not drawn as cells. */
const MOST = 60

/** Counts of predicted classes for each true class, or each row's shares. */
export function ConfusionMatrix({ matrix: { labels, matrix }, title, height, way, onWay, actions }: Props) {
  const shares = way === 'shares'
  const shown = labels.slice(0, MOST)
  const sums = matrix.map((row) => row.reduce((sum, count) => sum + count, 0))
  const most = Math.max(...matrix.map((row) => Math.max(...row)), 0)
  return (
    <>
      <header className={head.header}>
        <h3 className={head.title}>{title}</h3>
        <span className={head.actions}>
          <Choice
            label={`Values of ${title}`}
            options={[
              { value: 'counts', label: 'Counts' },
              { value: 'shares', label: 'Shares' },
            ]}
            value={way}
            onChange={onWay}
          />
          {actions}
        </span>
      </header>
      <section
        className={classes.scroll}
        style={{ maxHeight: height + 26 }}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keyboard
        tabIndex={0}
        aria-label={`Confusion matrix ${title}`}
      >
        <table className={classes.matrix}>
          <caption>Rows: true class. Columns: predicted class.{shares ? ' Shares: of the true class.' : ''}</caption>
          <thead>
            <tr>
              <td />
              {shown.map((label, at) => (
                <th key={at} scope="col" title={label}>
                  {label}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {shown.map((label, at) => (
              <tr key={at}>
                <th scope="row" title={label}>
                  {label}
                </th>
                {(matrix[at] ?? []).slice(0, MOST).map((count, column) => {
                  const sum = sums[at] ?? 0
                  const part = sum > 0 ? count / sum : 0
                  const weight = shares ? part : most > 0 ? count / most : 0
                  return (
                    <td
                      key={column}
                      title={`true ${label}, predicted ${labels[column]}: ${count}`}
                      style={{ background: `rgb(76 110 245 / ${Math.round(Math.min(Math.max(weight, 0), 1) * 45)}%)` }}
                    >
                      {shares ? `${formatNumber(Math.round(part * 1000) / 10)} %` : formatNumber(count)}
                    </td>
                  )
                })}
              </tr>
            ))}
          </tbody>
        </table>
      </section>
      {labels.length > MOST && (
        <p>
          The first {MOST} of {labels.length} classes.
        </p>
      )}
    </>
  )
}
