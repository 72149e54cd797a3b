import { useMutation, useQueryClient } from '@tanstack/react-query'
import type { JSX } from 'react'
import { TagEditor } from '../../parts/TagEditor'
import { Section } from '../run/details/Section'
import { useEditable } from '../run/use_editable'
import { changeVersion, type ModelChanges, type ModelVersion } from './requests'

/** A version's aliases and tags; they can be set, moved and removed here. */
export function VersionTags({ version }: { readonly version: ModelVersion }): JSX.Element {
  const client = useQueryClient()
  const isEditable = useEditable()
  const change = useMutation({
    mutationFn: (changes: ModelChanges) => changeVersion(version.name, version.version, changes),
    onSuccess: () => client.invalidateQueries({ queryKey: ['models'] }),
  })
  const shared = { isEditable, isPending: change.isPending }
  const isAlias = change.variables?.set_aliases !== undefined || change.variables?.remove_aliases !== undefined
  return (
    <>
      <Section title="Aliases">
        <TagEditor
          {...shared}
          what="alias"
          tags={Object.fromEntries(version.aliases.map((alias) => [alias, null]))}
          hasValues={false}
          error={isAlias ? change.error : null}
          onSet={(name, _, done) => change.mutate({ set_aliases: [name.trim()] }, { onSuccess: done })}
          onRemove={(name) => change.mutate({ remove_aliases: [name] })}
        />
      </Section>
      <Section title="Tags">
        <TagEditor
          {...shared}
          what="tag"
          tags={version.tags}
          hasValues
          error={isAlias ? null : change.error}
          onSet={(name, value, done) => change.mutate({ set_tags: { [name]: value } }, { onSuccess: done })}
          onRemove={(name) => change.mutate({ remove_tags: [name] })}
        />
      </Section>
    </>
  )
}
