import { Anchor } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import type { ReactNode } from 'react'
import { Link } from 'react-router'
import { ApiError } from '../../api/http'
import { runQuery } from '../../api/queries'
import { runPath } from '../../state/names'
import type { ModelVersion } from './requests'

/** The run that a version comes from, by its name; only its id where it has been deleted. */
export function SourceRun({ version }: { readonly version: ModelVersion }): ReactNode {
  const { run_id: runId, experiment } = version
  const run = useQuery({ ...runQuery(runId ?? ''), enabled: runId !== null })
  if (runId === null) return null
  if (run.error instanceof ApiError && run.error.status === 404) return `${runId} (deleted)`
  const home = run.data?.experiment ?? experiment
  const name = run.data ? `${run.data.display_name || run.data.name || runId} #${run.data.number}` : runId
  return home ? (
    <Anchor component={Link} to={runPath(home, runId)}>
      {name}
    </Anchor>
  ) : (
    name
  )
}
