import { ActionIcon, Anchor, useComputedColorScheme } from '@mantine/core'
import type { JSX } from 'react'
import { Link } from 'react-router'
import { Icon } from '../../parts/Icon'
import { Status } from '../../parts/Status'
import { runPath } from '../../state/names'
import classes from './RunChips.module.css'
import { RunMark } from './RunMark'
import type { ComparedRun } from './runs'

interface Properties {
  readonly runs: readonly ComparedRun[]
  readonly onRemove: (runId: string) => void
}

/** The compared runs with their colours, and a way to leave one out. */
export function RunChips({ runs, onRemove }: Properties): JSX.Element {
  const dark = useComputedColorScheme('light') === 'dark'
  return (
    <ul className={classes.chips}>
      {runs.map((run) => (
        <li key={run.run_id} className={classes.chip}>
          <RunMark slot={run.slot} dark={dark} />
          <Anchor component={Link} to={runPath(run.experiment, run.run_id)} className={classes.name} title={run.name}>
            {run.name}
          </Anchor>
          <span className={classes.number}>#{run.number}</span>
          <Status status={run.status} />
          <ActionIcon
            size="sm"
            variant="subtle"
            color="gray"
            aria-label={`Leave out ${run.name}`}
            onClick={() => onRemove(run.run_id)}
          >
            <Icon name="close" size={12} />
          </ActionIcon>
        </li>
      ))}
    </ul>
  )
}
