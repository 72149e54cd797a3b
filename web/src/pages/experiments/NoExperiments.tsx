import type { ExperimentView } from '../../api/queries'
import { Empty } from '../../parts/Empty'

const FIRST = `from azureml.core import Workspace, Experiment

ws = Workspace.from_config()
run = Experiment(ws, "my-first").start_logging()
run.log("loss", 0.5)
run.complete()`

interface Props {
  readonly view: ExperimentView
  readonly search: string
}

/** What to type where there is no experiment. */
export function NoExperiments({ view, search }: Props) {
  if (search)
    return <Empty title="Nothing matches">No experiment has “{search}” in its name, description or tags.</Empty>
  if (view === 'archived') return <Empty title="Nothing is archived">Archived experiments are listed here.</Empty>
  return (
    <Empty title="There are no experiments yet">
      <p>An experiment appears with its first run. Save this as train.py and run it with python train.py:</p>
      <pre>{FIRST}</pre>
    </Empty>
  )
}
