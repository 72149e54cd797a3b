import { Anchor } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { Link, useParams } from 'react-router'
import { ApiError } from '../../api/http'
import { experimentQuery } from '../../api/queries'
import { PageTitle } from '../../parts/PageTitle'
import { Problem } from '../../parts/Problem'
import classes from './experiment.module.css'
import { RunsPanel } from './RunsPanel'

/** One experiment: its runs. */
export default function ExperimentPage() {
  const name = useParams().experiment ?? ''
  const experiment = useQuery(experimentQuery(name))
  const isMissing = experiment.error instanceof ApiError && experiment.error.status === 404
  return (
    <div className={classes.page}>
      <PageTitle
        title={name}
        above={
          <Anchor component={Link} to="/experiments" size="sm">
            Experiments
          </Anchor>
        }
      >
        {experiment.data?.archived && <span>Archived</span>}
      </PageTitle>
      {experiment.data?.description && <p className={classes.description}>{experiment.data.description}</p>}
      {isMissing ? (
        <Problem title="There is no such experiment" error={experiment.error} />
      ) : (
        <RunsPanel key={name} experiment={name} known={experiment.data} />
      )}
    </div>
  )
}
