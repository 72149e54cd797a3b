import classes from './filter.module.css'

const EXAMPLES: readonly (readonly [filter: string, tells: string])[] = [
  ['metrics.mse < 0.3', 'the last value of a metric'],
  ['min(metrics.loss) < 0.1', 'its least value; max() is the greatest'],
  ['tags.stage = "prod"', 'a tag; params. and properties. are alike'],
  ['status in ("Failed", "Canceled")', 'one of several'],
  ['name like "%resnet%"', '% is anything, _ one character'],
  ['created > 2026-11-01', 'a time in UTC'],
  ['duration > 2h', 's, m, h, d and w'],
  ['tags.stage is null', 'what a run does not have'],
  ['metrics."f1 score" > 0.9', 'odd names in quotes'],
  ['not (… and …) or …', 'several conditions'],
]

/** How filters are written, by examples. */
export function FilterHelp() {
  return (
    <dl className={classes.help} tabIndex={0} data-autofocus>
      {EXAMPLES.map(([filter, tells]) => (
        <div key={filter}>
          <dt>
            <code>{filter}</code>
          </dt>
          <dd>{tells}</dd>
        </div>
      ))}
    </dl>
  )
}
