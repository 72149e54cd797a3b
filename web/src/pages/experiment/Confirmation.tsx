import { Autocomplete, Button, Modal, TextInput } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { send } from '../../api/http'
import type { ActionResult, Tags } from '../../api/types'
import { formatCount } from '../../parts/format'
import { Problem } from '../../parts/Problem'
import type { Action } from './actions'
import classes from './bulk.module.css'

const AT_ONCE = 1000
const NAMED = 5

interface Props {
  readonly action: Action
  readonly runs: readonly string[]
  /** Run id -> how it is called; those that the table does not show are missing. */
  readonly labels: ReadonlyMap<string, string>
  /** Tags that runs have. */
  readonly tags: readonly string[]
  readonly onClose: () => void
  /** What was done, and whether it was all of it. */
  readonly onDone: (told: string, isWhole: boolean) => void
}

/** Asks before something is done to the chosen runs, and tells what could not be done. */
export function Confirmation({ action, runs, labels, tags, onClose, onDone }: Props) {
  const [name, setName] = useState('')
  const [value, setValue] = useState('')
  const client = useQueryClient()
  const needsTag = action.action === 'tag' || action.action === 'untag'
  const act = useMutation({
    mutationFn: async () => {
      const set: Tags | undefined = needsTag ? { [name.trim()]: value || null } : undefined
      const result = { done: [] as string[], failed: [] as ActionResult['failed'][number][] }
      for (let at = 0; at < runs.length; at += AT_ONCE) {
        const run_ids = runs.slice(at, at + AT_ONCE)
        const { done, failed } = await send<ActionResult>('POST', '/runs/actions', {
          run_ids,
          action: action.action,
          tags: set,
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
      if (!result) return
      const isWhole = result.failed.length === 0
      if (result.done.length > 0) onDone(`${action.done} ${formatCount(result.done.length, 'run')}.`, isWhole)
      if (isWhole) onClose()
    },
  })
  const failed = act.data?.failed ?? []
  const count = formatCount(runs.length, 'run')
  const hidden = runs.filter((run) => !labels.has(run)).length
  const named = runs.flatMap((run) => labels.get(run) ?? []).slice(0, NAMED)
  return (
    <Modal opened onClose={onClose} title={`${action.label}: ${count}`} closeButtonProps={{ 'aria-label': 'Close' }}>
      <form
        className={classes.form}
        onSubmit={(event) => {
          event.preventDefault()
          act.mutate()
        }}
      >
        <p>{action.tells}</p>
        {named.length > 0 && (
          <ul className={classes.named}>
            {named.map((each) => (
              <li key={each}>
                <bdi>{each}</bdi>
              </li>
            ))}
            {runs.length > named.length && <li>and {formatCount(runs.length - named.length, 'more run')}</li>}
          </ul>
        )}
        {hidden > 0 && (
          <p>
            <strong>{formatCount(hidden, 'of them', 'of them')}</strong> {hidden === 1 ? 'is' : 'are'} not in the table
            as it is filtered and loaded now.
          </p>
        )}
        {needsTag && (
          <Autocomplete
            label="Tag"
            required
            data-autofocus
            data={[...tags]}
            limit={8}
            maxLength={2048}
            value={name}
            onChange={setName}
          />
        )}
        {action.action === 'tag' && (
          <TextInput
            label="Value"
            maxLength={20_000}
            value={value}
            onChange={(event) => setValue(event.currentTarget.value)}
          />
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
