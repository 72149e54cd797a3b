import { Button, Modal, TextInput } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { useNavigate } from 'react-router'
import { send } from '../../api/http'
import type { ActionResult, RunAction, Tags } from '../../api/types'
import { formatCount } from '../../parts/format'
import { Icon, type IconName } from '../../parts/Icon'
import { Problem } from '../../parts/Problem'
import { comparePath } from '../../state/names'
import classes from './bulk.module.css'

interface Props {
  readonly chosen: readonly string[]
  /** Whether archived runs are shown: then they can be restored. */
  readonly archived: boolean
  readonly onDone: () => void
  readonly onClear: () => void
}

interface Action {
  readonly action: RunAction
  readonly label: string
  readonly icon: IconName
  /** What happens, for the question before it. */
  readonly tells: string
}

const ACTIONS: readonly Action[] = [
  { action: 'tag', label: 'Tag', icon: 'tag', tells: 'The tag is set; one of the same name gets the new value.' },
  { action: 'untag', label: 'Remove tag', icon: 'tag', tells: 'The tag is taken away from runs that have it.' },
  { action: 'archive', label: 'Archive', icon: 'archive', tells: 'Archived runs are hidden; they can be restored.' },
  { action: 'restore', label: 'Restore', icon: 'restore', tells: 'The runs are listed again.' },
  {
    action: 'cancel',
    label: 'Cancel',
    icon: 'stop',
    tells: 'Their scripts are ended. Runs that have ended stay as they are.',
  },
  {
    action: 'delete',
    label: 'Delete',
    icon: 'trash',
    tells: 'Their metrics, files and logs are gone for good. This cannot be undone.',
  },
]
const AT_ONCE = 1000
export const MOST_COMPARED = 50

/** What can be done with the chosen runs. */
export function BulkBar({ chosen, archived, onDone, onClear }: Props) {
  const [asked, setAsked] = useState<Action | null>(null)
  const navigate = useNavigate()
  const count = formatCount(chosen.length, 'run')
  return (
    <section className={classes.bar} aria-label="Chosen runs">
      <span role="status" className={classes.count}>
        {count} chosen
      </span>
      <Button
        size="xs"
        disabled={chosen.length < 2 || chosen.length > MOST_COMPARED}
        title={chosen.length > MOST_COMPARED ? `Up to ${MOST_COMPARED} runs can be compared` : undefined}
        leftSection={<Icon name="chart" size={14} />}
        onClick={() => navigate(comparePath(chosen))}
      >
        Compare
      </Button>
      {ACTIONS.filter(({ action }) => (archived ? action !== 'archive' : action !== 'restore')).map((each) => (
        <Button
          key={each.action}
          size="xs"
          variant="default"
          leftSection={<Icon name={each.icon} size={14} />}
          onClick={() => setAsked(each)}
        >
          {each.label}
        </Button>
      ))}
      <Button size="xs" variant="subtle" onClick={onClear}>
        Choose none
      </Button>
      {asked && (
        <Confirmation
          key={asked.action}
          action={asked}
          chosen={chosen}
          onClose={() => setAsked(null)}
          onDone={(isWhole) => {
            // Where some could not be done, the choice stays, and with it the reasons.
            const leaves = asked.action === 'delete' || asked.action === 'archive' || asked.action === 'restore'
            if (leaves && isWhole) onClear()
            onDone()
          }}
        />
      )}
    </section>
  )
}

interface ConfirmationProps {
  readonly action: Action
  readonly chosen: readonly string[]
  readonly onClose: () => void
  readonly onDone: (isWhole: boolean) => void
}

function Confirmation({ action, chosen, onClose, onDone }: ConfirmationProps) {
  const [name, setName] = useState('')
  const [value, setValue] = useState('')
  // What was chosen when it was asked: the choice is emptied when it is done.
  const [runs] = useState(chosen)
  const client = useQueryClient()
  const act = useMutation({
    mutationFn: async () => {
      const tags: Tags | undefined =
        action.action === 'tag' || action.action === 'untag' ? { [name]: value || null } : undefined
      const result = { done: [] as string[], failed: [] as ActionResult['failed'][number][] }
      for (let at = 0; at < runs.length; at += AT_ONCE) {
        const run_ids = runs.slice(at, at + AT_ONCE)
        const { done, failed } = await send<ActionResult>('POST', '/runs/actions', {
          run_ids,
          action: action.action,
          tags,
        })
        result.done.push(...done)
        result.failed.push(...failed)
      }
      return result
    },
    onSettled: (result) => {
      void client.invalidateQueries({ queryKey: ['experiments'] })
      void client.invalidateQueries({ queryKey: ['runs'] })
      void client.invalidateQueries({ queryKey: ['run'] })
      if (result?.done.length) onDone(result.failed.length === 0)
      if (result && result.failed.length === 0) onClose()
    },
  })
  const needsTag = action.action === 'tag' || action.action === 'untag'
  const failed = act.data?.failed ?? []
  const count = formatCount(runs.length, 'run')
  return (
    <Modal opened onClose={onClose} title={`${action.label}: ${count}`}>
      <form
        className={classes.form}
        onSubmit={(event) => {
          event.preventDefault()
          act.mutate()
        }}
      >
        <p>{action.tells}</p>
        {needsTag && (
          <TextInput
            label="Tag"
            required
            data-autofocus
            value={name}
            onChange={(event) => setName(event.currentTarget.value)}
          />
        )}
        {action.action === 'tag' && (
          <TextInput label="Value" value={value} onChange={(event) => setValue(event.currentTarget.value)} />
        )}
        {act.isError && <Problem title="Nothing more was done" error={act.error} />}
        {failed.length > 0 && (
          <div role="alert">
            <p>
              Done for {act.data?.done.length ?? 0}; not for {failed.length}:
            </p>
            <ul className={classes.failed}>
              {failed.slice(0, 20).map((each) => (
                <li key={each.run_id}>{each.message}</li>
              ))}
            </ul>
          </div>
        )}
        <div className={classes.buttons}>
          <Button variant="default" onClick={onClose}>
            {failed.length > 0 ? 'Close' : 'Not now'}
          </Button>
          {failed.length === 0 && (
            <Button type="submit" loading={act.isPending} color={action.action === 'delete' ? 'red' : undefined}>
              {action.label} {needsTag ? '' : count}
            </Button>
          )}
        </div>
      </form>
    </Modal>
  )
}
