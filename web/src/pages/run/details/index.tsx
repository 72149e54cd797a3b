import { Alert, Anchor, Text } from '@mantine/core'
import type { JSX } from 'react'
import { Link } from 'react-router'
import type { RunDetail } from '../../../api/types'
import { formatDate, formatDuration } from '../../../parts/format'
import { experimentPath, runPath } from '../../../state/names'
import { EnvironmentCard } from './EnvironmentCard'
import { ErrorBox } from './ErrorBox'
import { Facts } from './Facts'
import { argumentLine, asText, gitFacts, machineFacts, otherProperties, warningTexts } from './facts_of'
import classes from './index.module.css'
import { LeftOut } from './LeftOut'
import { PackagesCard } from './PackagesCard'
import { Section } from './Section'
import { TagsCard } from './TagsCard'

/** All that is known of a run but its values and files. */
export default function Details({ run }: { readonly run: RunDetail }): JSX.Element {
  const warnings = warningTexts(run.warnings)
  const script = argumentLine(run.definition)
  const parameters = Object.entries(run.params)
  const git = gitFacts(run.git)
  const machine = machineFacts(run.machine)
  const properties = otherProperties(run.properties)
  return (
    <>
      {run.error && (
        <ErrorBox error={run.error} status={run.status} logs={runPath(run.experiment, run.run_id, 'files')} />
      )}
      {warnings.length > 0 && (
        <Alert color="yellow" variant="outline" title={warnings.length === 1 ? 'A warning' : 'Warnings'} mb="md">
          <ul className={classes.warnings}>
            {[...new Set(warnings)].map((warning) => (
              <li key={warning}>{warning}</li>
            ))}
          </ul>
        </Alert>
      )}
      {run.description && (
        <Text mb="md" className={classes.description}>
          {run.description}
        </Text>
      )}
      <div className={classes.grid}>
        <Section title="Run">
          <Facts
            facts={[
              ['Id', <code key="id">{run.run_id}</code>],
              ['Number', String(run.number)],
              ['Status', run.status],
              ['Type', run.type],
              [
                'Experiment',
                <Anchor component={Link} key="experiment" to={experimentPath(run.experiment)}>
                  {run.experiment}
                </Anchor>,
              ],
              ['Created', formatDate(run.created)],
              ['Started', run.started && formatDate(run.started)],
              ['Ended', run.ended && formatDate(run.ended)],
              ['Duration', formatDuration(run.duration_s)],
              ['Compute target', run.target],
              ['Submitted by', run.submitted_by],
              [
                'Parent run',
                run.parent && (
                  <Anchor
                    component={Link}
                    key="parent"
                    to={runPath(run.parent.experiment ?? run.experiment, run.parent.run_id)}
                  >
                    {run.parent.name || run.parent.run_id}
                  </Anchor>
                ),
              ],
              [
                'Child runs',
                run.children_total > 0 && (
                  <Anchor component={Link} key="children" to={runPath(run.experiment, run.run_id, 'children')}>
                    {run.children_total.toLocaleString('en')}
                  </Anchor>
                ),
              ],
            ]}
          />
        </Section>
        <TagsCard run={run} />
        {script && (
          <Section title="Script and arguments">
            <Facts facts={script.facts} />
            <pre className={classes.command}>{script.line}</pre>
          </Section>
        )}
        {parameters.length > 0 && (
          <Section title="Parameters" actions={<LeftOut count={run.left_out.params} />}>
            <Facts facts={parameters} />
          </Section>
        )}
        <Section
          title="Properties"
          actions={<LeftOut count={run.left_out.properties} />}
          empty={properties.length === 0 && 'None. run.add_properties({"name": "value"}) sets them.'}
        >
          <Facts facts={properties} />
        </Section>
        {git.length > 0 && (
          <Section title="Git">
            <Facts facts={git} />
          </Section>
        )}
        {run.environment && <EnvironmentCard definition={run.environment} />}
        {machine.length > 0 && (
          <Section title="Machine">
            <Facts facts={machine} />
          </Section>
        )}
        <PackagesCard packages={run.packages} />
        {run.definition && (
          <Section title="Definition">
            <details>
              <summary>All that was submitted</summary>
              <pre className={classes.command}>{asText(run.definition)}</pre>
            </details>
          </Section>
        )}
      </div>
    </>
  )
}
