import { Anchor } from '@mantine/core'
import type { ReactNode } from 'react'
import { Link } from 'react-router'
import { runPath } from '../../state/names'
import type { ModelVersion } from './requests'

/** The run that a version comes from, by its name; only its id where it has been deleted. */
export function SourceRun({ version }: { readonly version: ModelVersion }): ReactNode {
  const { run_id: runId, run } = version
  if (runId === null) return null
  if (run === null) return `${runId} (deleted)`
  return (
    <Anchor component={Link} to={runPath(run.experiment, runId)}>
      <bdi>{run.name || run.experiment}</bdi> #{run.number}
    </Anchor>
  )
}
