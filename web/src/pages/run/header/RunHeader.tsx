import { Anchor, Button, CopyButton, Group } from '@mantine/core'
import { type JSX, useState } from 'react'
import { Link } from 'react-router'
import type { RunDetail } from '../../../api/types'
import { PageTitle } from '../../../parts/PageTitle'
import { comparePath, experimentPath, runPath } from '../../../state/names'
import { useEditable } from '../use_editable'
import { NameEditor } from './NameEditor'
import { RunActions } from './RunActions'
import { RunFacts } from './RunFacts'
import { RunProgress } from './RunProgress'

/** The run's name, where it belongs, its status, and what can be done with it. */
export function RunHeader({ run }: { readonly run: RunDetail }): JSX.Element {
  const isEditable = useEditable()
  const [isNaming, setNaming] = useState(false)
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
            Edit
          </Button>
        )}
        <CopyButton value={run.run_id}>
          {({ copied, copy }) => (
            <Button size="xs" variant="default" visibleFrom="xs" onClick={copy}>
              {copied ? 'Copied' : 'Copy id'}
            </Button>
          )}
        </CopyButton>
        <Button size="xs" variant="default" component={Link} to={comparePath([run.run_id])}>
          Compare
        </Button>
        {isEditable && <RunActions run={run} />}
      </PageTitle>
      <RunFacts run={run} />
      <RunProgress run={run} />
      <NameEditor run={run} isOpen={isNaming} onClose={() => setNaming(false)} />
    </header>
  )
}
