import type { JSX, ReactNode } from 'react'
import classes from './Facts.module.css'

/** A name and what it is; nothing is shown of what is null, undefined, false or ''. */
export type Fact = readonly [name: string, value: ReactNode]

/** Names and values, one a line. */
export function Facts({ facts }: { readonly facts: readonly Fact[] }): JSX.Element {
  const known = facts.filter(([, value]) => value !== null && value !== undefined && value !== false && value !== '')
  return (
    <dl className={classes.facts}>
      {known.map(([name, value]) => (
        <div key={name} className={classes.fact}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  )
}
