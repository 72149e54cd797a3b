import { Button } from '@mantine/core'
import { Empty } from '../../parts/Empty'

interface Props {
  readonly experiment: string
  readonly filter: string
  readonly archived: boolean
  readonly onClear: () => void
}

/** What to type where there is no run. */
export function NoRuns({ experiment, filter, archived, onClear }: Props) {
  if (filter) {
    return (
      <Empty title="No run matches">
        <p>
          The filter is <code>{filter}</code>. Child runs and archived runs are left out unless they are asked for.
        </p>
        <Button variant="default" onClick={onClear}>
          Clear the filter
        </Button>
      </Empty>
    )
  }
  if (archived) return <Empty title="Nothing is archived">Archived runs of this experiment are listed here.</Empty>
  return (
    <Empty title="This experiment has no runs yet">
      <p>In a script or a notebook:</p>
      <pre>{`from azureml.core import Workspace, Experiment

ws = Workspace.from_config()
with Experiment(ws, ${JSON.stringify(experiment)}).start_logging() as run:
    run.log("loss", 0.5)`}</pre>
      <p>It appears here as soon as it has begun.</p>
    </Empty>
  )
}
