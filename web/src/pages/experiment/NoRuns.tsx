import { Button } from '@mantine/core'
import { Empty } from '../../parts/Empty'
import { formatCount } from '../../parts/format'
import classes from './experiment.module.css'

interface Props {
  readonly experiment: string
  readonly filter: string
  readonly archived: boolean
  readonly childRuns: boolean
  /** How many runs the experiment has, archived ones and child runs with them. */
  readonly runs: number
  readonly onClear: () => void
  readonly onChildren: () => void
  readonly onArchived: () => void
}

/** What to type, or to press, where there is no run. */
export function NoRuns(props: Props) {
  const { experiment, filter, archived, childRuns, runs, onClear, onChildren, onArchived } = props
  const elsewhere = (
    <div className={classes.choices}>
      {filter && (
        <Button variant="filled" onClick={onClear}>
          Clear the filter
        </Button>
      )}
      {!childRuns && (
        <Button variant="default" onClick={onChildren}>
          Show child runs, too
        </Button>
      )}
      <Button variant="default" onClick={onArchived}>
        {archived ? 'Show the active runs' : 'Show the archived runs'}
      </Button>
    </div>
  )
  if (filter) {
    return (
      <Empty title="No run matches">
        <p>
          The filter is <code>{filter}</code>. {leftOut(archived, childRuns)}
        </p>
        {elsewhere}
      </Empty>
    )
  }
  if (archived) {
    return (
      <Empty title="Nothing is archived">
        <p>Archived runs of this experiment are listed here.</p>
        {elsewhere}
      </Empty>
    )
  }
  if (runs > 0) {
    return (
      <Empty title="There is nothing to list">
        <p>
          This experiment has {formatCount(runs, 'run')}, but {runs === 1 ? 'it is' : 'they are'} archived
          {childRuns ? '' : ', or child runs'}.
        </p>
        {elsewhere}
      </Empty>
    )
  }
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

function leftOut(archived: boolean, childRuns: boolean): string {
  const others = archived ? 'Active runs' : 'Archived runs'
  return `${childRuns ? others : `${others} and child runs`} are left out.`
}
