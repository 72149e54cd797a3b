import { ActionIcon, Button, Checkbox, Popover, ScrollArea, TextInput } from '@mantine/core'
import { useState } from 'react'
import type { RunColumns } from '../../api/types'
import { Icon } from '../../parts/Icon'
import classes from './chooser.module.css'
import { columnLabel, FIXED, KINDS, kindLabel, moved } from './columns'

const MOST = 200

interface Props {
  readonly known: RunColumns | undefined
  readonly chosen: readonly string[]
  readonly sparklines: boolean
  /** An empty list brings the usual columns back. */
  readonly onChange: (columns: readonly string[]) => void
  readonly onSparklines: (shown: boolean) => void
}

/** Which columns the table has, and in which order. */
export function ColumnChooser({ known, chosen, sparklines, onChange, onSparklines }: Props) {
  const [search, setSearch] = useState('')
  const matches = (text: string) => text.toLowerCase().includes(search.toLowerCase())
  const toggle = (key: string) =>
    onChange(chosen.includes(key) ? chosen.filter((each) => each !== key) : [...chosen, key])
  const groups = [
    { label: 'Run', keys: FIXED.map(({ key }) => key) },
    ...KINDS.map((kind) => ({
      label: kindLabel(kind),
      keys: (known?.[kind] ?? []).map(({ name }) => `${kind}.${name}`),
    })),
  ]

  return (
    <Popover position="bottom-end" withinPortal trapFocus shadow="md" width={340}>
      <Popover.Target>
        <Button variant="default" leftSection={<Icon name="columns" size={16} />}>
          Columns
        </Button>
      </Popover.Target>
      <Popover.Dropdown className={classes.dropdown} aria-label="Columns">
        <TextInput
          aria-label="Search columns"
          placeholder="Search columns"
          value={search}
          onChange={(event) => setSearch(event.currentTarget.value)}
        />
        <ScrollArea.Autosize mah="50dvh" type="auto">
          {!search && (
            <fieldset className={classes.group}>
              <legend>Shown, from left to right</legend>
              {chosen.map((key, index) => (
                <div key={key} className={classes.shown}>
                  <span title={key}>{columnLabel(key)}</span>
                  <ActionIcon
                    variant="subtle"
                    color="gray"
                    disabled={index === 0}
                    aria-label={`Move ${key} to the left`}
                    onClick={() => onChange(moved(chosen, key, -1))}
                  >
                    <Icon name="up" size={14} />
                  </ActionIcon>
                  <ActionIcon
                    variant="subtle"
                    color="gray"
                    disabled={index === chosen.length - 1}
                    aria-label={`Move ${key} to the right`}
                    onClick={() => onChange(moved(chosen, key, 1))}
                  >
                    <Icon name="down" size={14} />
                  </ActionIcon>
                  <ActionIcon
                    variant="subtle"
                    color="gray"
                    disabled={chosen.length === 1}
                    aria-label={`Hide ${key}`}
                    onClick={() => toggle(key)}
                  >
                    <Icon name="close" size={14} />
                  </ActionIcon>
                </div>
              ))}
            </fieldset>
          )}
          {groups.map(({ label, keys }) => {
            const found = keys.filter(matches)
            if (found.length === 0) return null
            return (
              <fieldset key={label} className={classes.group}>
                <legend>{label}</legend>
                {found.slice(0, MOST).map((key) => (
                  <Checkbox
                    key={key}
                    size="sm"
                    label={columnLabel(key)}
                    checked={chosen.includes(key)}
                    onChange={() => toggle(key)}
                  />
                ))}
                {found.length > MOST && <p>{found.length - MOST} more: search for them.</p>}
              </fieldset>
            )
          })}
        </ScrollArea.Autosize>
        <div className={classes.foot}>
          <Checkbox
            size="sm"
            label="Small charts"
            checked={sparklines}
            onChange={(event) => onSparklines(event.currentTarget.checked)}
          />
          <Button size="xs" variant="subtle" onClick={() => onChange([])}>
            Usual columns
          </Button>
        </div>
      </Popover.Dropdown>
    </Popover>
  )
}
