import { ActionIcon, Button, Group, TextInput } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { type FormEvent, type JSX, useState } from 'react'
import type { RunDetail } from '../../../api/types'
import { Icon } from '../../../parts/Icon'
import { Problem } from '../../../parts/Problem'
import { changeRun, type RunChanges } from '../requests'
import { useEditable } from '../use_editable'
import { Section } from './Section'
import classes from './TagsCard.module.css'

/** The run's tags; they can be set, changed and removed here. */
export function TagsCard({ run }: { readonly run: RunDetail }): JSX.Element {
  const client = useQueryClient()
  const isEditable = useEditable()
  const [name, setName] = useState('')
  const [value, setValue] = useState('')
  const change = useMutation({
    mutationFn: (changes: RunChanges) => changeRun(run.run_id, changes),
    onSuccess: () => client.invalidateQueries({ queryKey: ['run', run.run_id] }),
  })
  const add = (event: FormEvent) => {
    event.preventDefault()
    if (name === '') return
    change.mutate({ set_tags: { [name]: value } }, { onSuccess: () => [setName(''), setValue('')] })
  }
  const tags = Object.entries(run.tags)
  return (
    <Section title="Tags">
      <ul className={classes.tags}>
        {tags.map(([key, text]) => (
          <li key={key} className={classes.tag}>
            <button
              type="button"
              className={classes.text}
              disabled={!isEditable}
              title={isEditable ? 'Change this tag' : undefined}
              onClick={() => [setName(key), setValue(text ?? '')]}
            >
              <b>{key}</b>
              {text !== null && text !== '' && <span>{text}</span>}
            </button>
            {isEditable && (
              <ActionIcon
                size="sm"
                variant="subtle"
                color="gray"
                aria-label={`Remove the tag ${key}`}
                onClick={() => change.mutate({ remove_tags: [key] })}
              >
                <Icon name="close" size={12} />
              </ActionIcon>
            )}
          </li>
        ))}
      </ul>
      {isEditable && (
        <form onSubmit={add}>
          <Group gap="xs" align="end" wrap="nowrap">
            <TextInput size="xs" label="Tag" value={name} onChange={(event) => setName(event.currentTarget.value)} />
            <TextInput
              size="xs"
              label="Value"
              value={value}
              onChange={(event) => setValue(event.currentTarget.value)}
            />
            <Button type="submit" size="xs" variant="default" loading={change.isPending} disabled={name === ''}>
              {Object.hasOwn(run.tags, name) ? 'Change' : 'Add'}
            </Button>
          </Group>
        </form>
      )}
      {!isEditable && tags.length === 0 && 'None.'}
      {change.isError && <Problem error={change.error} title="The tags could not be changed" />}
    </Section>
  )
}
