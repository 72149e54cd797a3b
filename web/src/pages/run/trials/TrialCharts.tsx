import type { JSX } from 'react'
import { CardBox } from '../metrics/CardBox'
import { BestSoFar } from './BestSoFar'
import { Parameters, type ParametersProps } from './Parameters'
import classes from './TrialCharts.module.css'

const CURVE = 200
const LINES = 210

/** The best so far over the trials, and their parameters against what they gave; side by side where there is room. */
export function TrialCharts(props: Omit<ParametersProps, 'height'>): JSX.Element {
  const { rows, primary, columns } = props
  const hasParameters = columns.length > 0 && rows.length > 1
  return (
    <div className={classes.holder}>
      <div className={classes.charts} data-both={hasParameters || undefined}>
        <CardBox>
          <BestSoFar rows={rows} primary={primary} height={CURVE} />
        </CardBox>
        {hasParameters && (
          <CardBox>
            <section aria-label="Parameters and result">
              <h3 className={classes.title}>Parameters and {primary.name}</h3>
              <Parameters {...props} height={LINES} />
            </section>
          </CardBox>
        )}
      </div>
    </div>
  )
}
