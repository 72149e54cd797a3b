import { ActionIcon, Anchor, useComputedColorScheme } from '@mantine/core'
import { type JSX, useSyncExternalStore } from 'react'
import { Link } from 'react-router'
import type { Highlight } from '../../charts/highlight'
import { Icon } from '../../parts/Icon'
import { Status } from '../../parts/Status'
import { runPath } from '../../state/names'
import classes from './RunChips.module.css'
import { RunMark } from './RunMark'
import type { ComparedRun } from './runs'

interface Properties {
  readonly runs: readonly ComparedRun[]
  readonly highlight: Highlight
  readonly onRemove: (runId: string) => void
}

/** The compared runs with their colours: the legend of all charts. The one that is pointed to stands out everywhere. */
export function RunChips({ runs, highlight, onRemove }: Properties): JSX.Element {
  const dark = useComputedColorScheme('light') === 'dark'
  const shown = useSyncExternalStore(highlight.subscribe, highlight.get)
  return (
    <ul className={classes.chips} aria-label="Compared runs">
      {runs.map((run) => (
        <li
          key={run.run_id}
          className={classes.chip}
          data-shown={shown === run.run_id || undefined}
          onMouseEnter={() => highlight.set(run.run_id)}
          onMouseLeave={() => highlight.set(null)}
          onFocus={() => highlight.set(run.run_id)}
          onBlur={() => highlight.set(null)}
        >
          <RunMark slot={run.slot} dark={dark} />
          <Anchor
            component={Link}
            to={runPath(run.experiment, run.run_id)}
            className={classes.name}
            title={`${run.name} · #${run.number} of ${run.experiment}`}
          >
            {run.name}
          </Anchor>
          <span className={classes.number}>#{run.number}</span>
          {run.status !== 'Completed' && <Status status={run.status} />}
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
