import { Button } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { type ExperimentView, experimentsQuery } from '../../api/queries'
import { Empty } from '../../parts/Empty'

const FIRST = `from azureml.core import Workspace, Experiment

ws = Workspace.from_config()
run = Experiment(ws, "my-first").start_logging()
run.log("loss", 0.5)
run.complete()`

interface Props {
  readonly view: ExperimentView
  readonly search: string
  readonly onClear: () => void
  readonly onView: (view: ExperimentView) => void
}

/** What to type, or to press, where there is no experiment. */
export function NoExperiments({ view, search, onClear, onView }: Props) {
  const archived = useQuery({ ...experimentsQuery('archived', ''), enabled: view === 'active' && !search })
  if (search) {
    return (
      <Empty title="Nothing matches">
        <p>
          No {view === 'all' ? '' : `${view} `}experiment has “{search}” in its name, description or tags.
        </p>
        <Button variant="default" onClick={onClear}>
          Clear the search
        </Button>{' '}
        {view !== 'all' && (
          <Button variant="default" onClick={() => onView('all')}>
            Search all experiments
          </Button>
        )}
      </Empty>
    )
  }
  if (view === 'archived') {
    return (
      <Empty title="Nothing is archived">
        <p>Archived experiments are listed here.</p>
        <Button variant="default" onClick={() => onView('active')}>
          Show the active experiments
        </Button>
      </Empty>
    )
  }
  if (archived.isPending) return null
  if (archived.data && archived.data.total > 0) {
    return (
      <Empty title="All experiments are archived">
        <Button variant="default" onClick={() => onView('archived')}>
          Show the archived experiments
        </Button>
      </Empty>
    )
  }
  return (
    <Empty title="There are no experiments yet">
      <p>An experiment appears with its first run. Save this as train.py and run it with python train.py:</p>
      <pre>{FIRST}</pre>
    </Empty>
  )
}
