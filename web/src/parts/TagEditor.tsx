import { ActionIcon, Button, Group, TextInput } from '@mantine/core'
import { type FormEvent, type JSX, useState } from 'react'
import { Icon } from './Icon'
import { Problem } from './Problem'
import classes from './TagEditor.module.css'

interface Props {
  /** What one of them is called: "tag", "alias". */
  readonly what: string
  /** Name -> value; null and '' for those without one. */
  readonly tags: Readonly<Record<string, string | null>>
  /** Whether they have values. */
  readonly hasValues: boolean
  readonly isEditable: boolean
  readonly isPending: boolean
  readonly error: unknown
  /** Sets one; `done` is to be called when it is. */
  readonly onSet: (name: string, value: string, done: () => void) => void
  readonly onRemove: (name: string) => void
}

/** Tags, or names alone, that can be set, changed and removed. */
export function TagEditor(props: Props): JSX.Element {
  const { what, tags, hasValues, isEditable, isPending, error, onSet, onRemove } = props
  const [name, setName] = useState('')
  const [value, setValue] = useState('')
  const label = `${what[0]?.toUpperCase()}${what.slice(1)}`
  const add = (event: FormEvent) => {
    event.preventDefault()
    if (name === '') return
    onSet(name, value, () => {
      setName('')
      setValue('')
    })
  }
  const listed = Object.entries(tags)
  return (
    <>
      <ul className={classes.tags}>
        {listed.map(([key, text]) => (
          <li key={key} className={classes.tag}>
            {isEditable && hasValues ? (
              <button
                type="button"
                className={classes.text}
                title={`Change this ${what}`}
                onClick={() => [setName(key), setValue(text ?? '')]}
              >
                <b>{key}</b>
                {text !== null && text !== '' && <span>{text}</span>}
              </button>
            ) : (
              <span className={classes.text}>
                <b>{key}</b>
                {text !== null && text !== '' && <span>{text}</span>}
              </span>
            )}
            {isEditable && (
              <ActionIcon
                size={24}
                variant="subtle"
                color="gray"
                aria-label={`Remove the ${what} ${key}`}
                onClick={() => onRemove(key)}
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
            <TextInput size="xs" label={label} value={name} onChange={(event) => setName(event.currentTarget.value)} />
            {hasValues && (
              <TextInput
                size="xs"
                label="Value"
                value={value}
                onChange={(event) => setValue(event.currentTarget.value)}
              />
            )}
            <Button type="submit" size="xs" variant="default" flex="none" loading={isPending} disabled={name === ''}>
              {hasValues && Object.hasOwn(tags, name) ? 'Change' : 'Add'}
            </Button>
          </Group>
        </form>
      )}
      {!isEditable && listed.length === 0 && 'None.'}
      {error !== null && error !== undefined && <Problem error={error} title={`The ${what} could not be changed`} />}
    </>
  )
}
