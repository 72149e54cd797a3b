import type { ReactNode } from 'react'
import type { RunDetail } from '../api/types'
import {
  argumentLine,
  environmentFacts,
  errorText,
  gitFacts,
  machineFacts,
  otherProperties,
  type TextFact,
  warningTexts,
} from '../pages/run/details/facts_of'
import classes from './widget.module.css'

/** What is known of the run besides what it has logged. */
export function Details({ run }: { readonly run: RunDetail }) {
  const error = run.error && errorText(run.error)
  const warnings = warningTexts(run.warnings)
  const script = argumentLine(run.definition)
  const tags: TextFact[] = Object.entries(run.tags).map(([name, value]) => [name, value ?? ''])
  const run_: TextFact[] = [
    ['Id', run.run_id],
    ['Created', time(run.created)],
    ['Started', time(run.started)],
    ['Ended', time(run.ended)],
    ['Submitted by', run.submitted_by ?? ''],
    ['Target', run.target ?? ''],
    ['Description', run.description ?? ''],
  ]
  return (
    <>
      {error && (
        <Section title="Why it ended">
          <p>{error.message}</p>
          {error.details && <pre className={classes.text}>{error.details}</pre>}
        </Section>
      )}
      {warnings.length > 0 && (
        <Section title="Warnings">
          <ul>
            {warnings.map((each, at) => (
              <li key={at}>{each}</li>
            ))}
          </ul>
        </Section>
      )}
      <Facts title="Run" facts={run_.filter(([, value]) => value !== '')} />
      <Facts title="Tags" facts={tags} />
      <Facts title="Parameters" facts={Object.entries(run.params)} />
      <Facts title="Properties" facts={otherProperties(run.properties)} />
      {script && <Facts title="Script" facts={[['Command', script.line], ...script.facts]} />}
      {run.environment && <Facts title="Environment" facts={environmentFacts(run.environment)} />}
      <Facts title="Code" facts={gitFacts(run.git)} />
      <Facts title="Machine" facts={machineFacts(run.machine)} />
    </>
  )
}

function Section({ title, children }: { readonly title: string; readonly children: ReactNode }) {
  return (
    <section aria-label={title}>
      <h3 className={classes.groupName}>{title}</h3>
      {children}
    </section>
  )
}

function Facts({ title, facts }: { readonly title: string; readonly facts: readonly TextFact[] }) {
  if (facts.length === 0) return null
  return (
    <Section title={title}>
      <dl className={classes.pairs}>
        {facts.map(([name, value]) => (
          <div key={name} className={classes.pair}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
    </Section>
  )
}

function time(text: string | null): string {
  return text === null ? '' : new Date(text).toLocaleString()
}
