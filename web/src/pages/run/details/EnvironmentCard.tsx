import type { JSX } from 'react'
import { Facts } from './Facts'
import { asText, environmentFacts } from './facts_of'
import classes from './index.module.css'
import { Section } from './Section'

/** The environment that the run asked for. */
export function EnvironmentCard({
  definition,
}: {
  readonly definition: Readonly<Record<string, unknown>>
}): JSX.Element {
  return (
    <Section title="Environment">
      <Facts facts={environmentFacts(definition)} />
      <details>
        <summary>Definition</summary>
        <pre className={classes.command}>{asText(definition)}</pre>
      </details>
    </Section>
  )
}
