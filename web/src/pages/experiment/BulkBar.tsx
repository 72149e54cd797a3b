import { Button } from '@mantine/core'
import { useMutation } from '@tanstack/react-query'
import { useState } from 'react'
import { useNavigate } from 'react-router'
import { formatCount } from '../../parts/format'
import { Icon } from '../../parts/Icon'
import { Problem } from '../../parts/Problem'
import { comparePath } from '../../state/names'
import { ACTIONS, type Action } from './actions'
import { MOST_CHOSEN } from './all_runs'
import classes from './bulk.module.css'
import { Confirmation } from './Confirmation'

export const MOST_COMPARED = 50

interface Props {
  readonly chosen: readonly string[]
  readonly labels: ReadonlyMap<string, string>
  readonly tags: readonly string[]
  /** How many runs the table has, loaded or not. */
  readonly total: number
  /** Whether archived runs are shown: then they can be restored. */
  readonly archived: boolean
  readonly isEditable: boolean
  /** Chooses all of them. */
  readonly onChooseAll: () => Promise<void>
  readonly onDone: (told: string) => void
  readonly onClear: () => void
}

/** What can be done with the chosen runs. */
export function BulkBar(props: Props) {
  const { chosen, labels, tags, total, archived, isEditable, onChooseAll, onDone, onClear } = props
  const [asked, setAsked] = useState<{ readonly action: Action; readonly runs: readonly string[] } | null>(null)
  const navigate = useNavigate()
  const all = useMutation({ mutationFn: onChooseAll })
  const most = Math.min(total, MOST_CHOSEN)
  return (
    <section className={classes.bar} aria-label="Chosen runs">
      <span role="status" className={classes.count}>
        {formatCount(chosen.length, 'run')} chosen
      </span>
      {labels.size < total && chosen.length < most && (
        <Button size="xs" variant="subtle" loading={all.isPending} onClick={() => all.mutate()}>
          {total > MOST_CHOSEN
            ? `Choose the first ${most.toLocaleString('en')}`
            : `Choose all ${most.toLocaleString('en')}`}
        </Button>
      )}
      <Button
        size="xs"
        disabled={chosen.length < 2 || chosen.length > MOST_COMPARED}
        title={
          chosen.length > MOST_COMPARED
            ? `Up to ${MOST_COMPARED} runs can be compared`
            : chosen.length < 2
              ? 'Two runs or more can be compared'
              : undefined
        }
        leftSection={<Icon name="chart" size={14} />}
        onClick={() => navigate(comparePath(chosen))}
      >
        Compare
      </Button>
      {isEditable &&
        ACTIONS.filter(({ action }) => (archived ? action !== 'archive' : action !== 'restore')).map((each) => (
          <Button
            key={each.action}
            size="xs"
            variant="default"
            leftSection={<Icon name={each.icon} size={14} />}
            onClick={() => setAsked({ action: each, runs: chosen })}
          >
            {each.label}
          </Button>
        ))}
      <Button size="xs" variant="subtle" onClick={onClear}>
        Choose none
      </Button>
      {all.isError && <Problem title="Not all runs could be chosen" error={all.error} />}
      {asked && (
        <Confirmation
          key={asked.action.action}
          action={asked.action}
          runs={asked.runs}
          labels={labels}
          tags={tags}
          onClose={() => setAsked(null)}
          onDone={(told, isWhole) => {
            // Where some could not be done, the choice stays, and with it the reasons.
            const leaves = ['delete', 'archive', 'restore'].includes(asked.action.action)
            if (leaves && isWhole) onClear()
            onDone(told)
          }}
        />
      )}
    </section>
  )
}
