import { Button, Group, Textarea } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { type FormEvent, type JSX, useState } from 'react'
import { Problem } from '../../parts/Problem'
import { useEditable } from '../run/use_editable'
import classes from './models.module.css'
import { changeVersion, type ModelVersion } from './requests'

/** What a version is, in words; they can be changed here. */
export function Description({ version }: { readonly version: ModelVersion }): JSX.Element {
  const client = useQueryClient()
  const isEditable = useEditable()
  const [draft, setDraft] = useState<string | null>(null)
  const save = useMutation({
    mutationFn: (description: string) => changeVersion(version.name, version.version, { description }),
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: ['models'] })
      setDraft(null)
    },
  })
  if (draft === null) {
    return (
      <>
        <span className={classes.description}>{version.description}</span>{' '}
        {isEditable && (
          <Button size="compact-xs" variant="subtle" onClick={() => setDraft(version.description)}>
            {version.description ? 'Change' : 'Describe'}
          </Button>
        )}
      </>
    )
  }
  const submit = (event: FormEvent) => {
    event.preventDefault()
    save.mutate(draft)
  }
  return (
    <form onSubmit={submit}>
      <Textarea
        aria-label="Description"
        autoFocus
        autosize
        minRows={2}
        maxRows={12}
        maxLength={20_000}
        value={draft}
        onChange={(event) => setDraft(event.currentTarget.value)}
      />
      {save.isError && <Problem error={save.error} title="The description could not be saved" />}
      <Group gap="xs" mt="xs">
        <Button type="submit" size="xs" loading={save.isPending}>
          Save
        </Button>
        <Button size="xs" variant="default" onClick={() => setDraft(null)}>
          Leave it
        </Button>
      </Group>
    </form>
  )
}
