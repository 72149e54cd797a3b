import { useMutation, useQueryClient } from '@tanstack/react-query'
import type { JSX } from 'react'
import type { RunDetail } from '../../../api/types'
import { TagEditor } from '../../../parts/TagEditor'
import { changeRun, type RunChanges } from '../requests'
import { useEditable } from '../use_editable'
import { LeftOut } from './LeftOut'
import { Section } from './Section'

/** The run's tags; they can be set, changed and removed here. */
export function TagsCard({ run }: { readonly run: RunDetail }): JSX.Element {
  const client = useQueryClient()
  const isEditable = useEditable()
  const change = useMutation({
    mutationFn: (changes: RunChanges) => changeRun(run.run_id, changes),
    onSuccess: () => client.invalidateQueries({ queryKey: ['run', run.run_id] }),
  })
  return (
    <Section title="Tags" actions={<LeftOut count={run.left_out.tags} />}>
      <TagEditor
        what="tag"
        tags={run.tags}
        hasValues
        isEditable={isEditable}
        isPending={change.isPending}
        error={change.error}
        onSet={(name, value, done) => change.mutate({ set_tags: { [name]: value } }, { onSuccess: done })}
        onRemove={(name) => change.mutate({ remove_tags: [name] })}
      />
    </Section>
  )
}
