import { Anchor, Button, CopyButton, Group } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { type JSX, useState } from 'react'
import { Link } from 'react-router'
import { send } from '../../../api/http'
import type { ActionResult, RunAction, RunDetail } from '../../../api/types'
import { PageTitle } from '../../../parts/PageTitle'
import { Problem } from '../../../parts/Problem'
import { comparePath, experimentPath, runPath } from '../../../state/names'
import { useEditable } from '../use_editable'
import { NameEditor } from './NameEditor'
import { RunFacts } from './RunFacts'

const ENDED = ['Completed', 'Failed', 'Canceled', 'Finished', 'NotResponding']

/** The run's name, where it belongs, its status, and what can be done with it. */
export function RunHeader({ run }: { readonly run: RunDetail }): JSX.Element {
  const client = useQueryClient()
  const isEditable = useEditable()
  const [isNaming, setNaming] = useState(false)
  const act = useMutation({
    mutationFn: async (action: RunAction) => {
      const { failed } = await send<ActionResult>('POST', '/runs/actions', { run_ids: [run.run_id], action })
      if (failed[0]) throw new Error(failed[0].message)
    },
    onSettled: () => client.invalidateQueries({ queryKey: ['run', run.run_id] }),
  })
  const hasEnded = ENDED.includes(run.status)
  const name = run.display_name || run.name || run.run_id
  return (
    <header>
      <PageTitle
        title={name}
        above={
          <Group gap={6}>
            <Anchor component={Link} to={experimentPath(run.experiment)}>
              {run.experiment}
            </Anchor>
            {run.parent && (
              <>
                <span aria-hidden>/</span>
                <Anchor component={Link} to={runPath(run.parent.experiment ?? run.experiment, run.parent.run_id)}>
                  {run.parent.name || run.parent.run_id}
                </Anchor>
              </>
            )}
          </Group>
        }
      >
        {isEditable && (
          <Button size="xs" variant="default" onClick={() => setNaming(true)}>
            Rename
          </Button>
        )}
        <CopyButton value={run.run_id}>
          {({ copied, copy }) => (
            <Button size="xs" variant="default" onClick={copy}>
              {copied ? 'Copied' : 'Copy id'}
            </Button>
          )}
        </CopyButton>
        <Button size="xs" variant="default" component={Link} to={comparePath([run.run_id])}>
          Compare
        </Button>
        {isEditable && !hasEnded && (
          <Button size="xs" variant="default" loading={act.isPending} onClick={() => act.mutate('cancel')}>
            Cancel run
          </Button>
        )}
        {isEditable && hasEnded && (
          <Button
            size="xs"
            variant="default"
            loading={act.isPending}
            onClick={() => act.mutate(run.archived ? 'restore' : 'archive')}
          >
            {run.archived ? 'Restore' : 'Archive'}
          </Button>
        )}
      </PageTitle>
      <RunFacts run={run} />
      {act.isError && <Problem error={act.error} title="That could not be done" />}
      <NameEditor run={run} isOpen={isNaming} onClose={() => setNaming(false)} />
    </header>
  )
}
