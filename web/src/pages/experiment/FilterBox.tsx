import { ActionIcon, Button, Combobox, Popover, TextInput, useCombobox } from '@mantine/core'
import { useDebouncedValue } from '@mantine/hooks'
import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { type KeyboardEvent, type Ref, useEffect, useImperativeHandle, useLayoutEffect, useRef, useState } from 'react'
import { ApiError, get } from '../../api/http'
import type { RunColumns, RunGroups } from '../../api/types'
import { Icon } from '../../parts/Icon'
import { FilterHelp } from './FilterHelp'
import classes from './filter.module.css'
import { fieldColumn, suggest } from './filter_words'

export interface FilterHandle {
  readonly focus: () => void
}

interface Props {
  readonly handle: Ref<FilterHandle>
  readonly experiment: string
  /** The filter that the table shows. */
  readonly filter: string
  readonly columns: RunColumns | undefined
  readonly error: Error | null
  readonly onFilter: (filter: string) => void
}

const SETTLE_MS = 150
const MOST_VALUES = 200
const GROUPED = /^(status|type|target|submitted_by|parent|(tags|params|properties)\..+)$/s

/** Where in the filter it goes wrong, from 0; null where the error tells no place. */
export function errorPosition(error: Error | null): number | null {
  if (!(error instanceof ApiError) || error.status < 400 || error.status >= 500) return null
  if (error.position !== null) return error.position
  const match = /the filter is wrong at character (\d+)/.exec(error.message)
  return match ? Number(match[1]) - 1 : null
}

/** The filter, with words that fit. Enter filters; Tab or Enter takes the word that is marked. */
export function FilterBox({ handle, experiment, filter, columns, error, onFilter }: Props) {
  const [text, setText] = useState(filter)
  const [caret, setCaret] = useState(filter.length)
  const input = useRef<HTMLInputElement>(null)
  const combobox = useCombobox({ onDropdownClose: () => combobox.resetSelectedOption() })
  useEffect(() => setText(filter), [filter])
  useImperativeHandle(handle, () => ({ focus: () => input.current?.focus() }), [])

  const putAt = useRef<number | null>(null)
  useLayoutEffect(() => {
    // Before the next key comes in: it may already be on its way.
    if (putAt.current === null) return
    input.current?.focus()
    input.current?.setSelectionRange(putAt.current, putAt.current)
    putAt.current = null
  })

  const { field } = suggest(text, caret, columns)
  const values = useValues(experiment, field === null || !combobox.dropdownOpened ? null : fieldColumn(field))
  const suggestions = suggest(text, caret, columns, values)
  const position = text.trim() === filter ? errorPosition(error) : null

  const take = (word: string) => {
    const behind = text.slice(suggestions.to)
    const put = word.endsWith('(') || behind.startsWith(' ') ? word : `${word} `
    const next = text.slice(0, suggestions.from) + put + behind
    const at = suggestions.from + put.length
    setText(next)
    setCaret(at)
    putAt.current = at
    combobox.resetSelectedOption()
  }
  const filterBy = (next: string) => {
    combobox.closeDropdown()
    onFilter(next.trim())
  }
  const pressed = (event: KeyboardEvent<HTMLInputElement>) => {
    const isMarked = combobox.dropdownOpened && combobox.getSelectedOptionIndex() !== -1
    if (event.key === 'Enter' && !isMarked) filterBy(text)
    else if (event.key === 'Tab' && isMarked) {
      event.preventDefault()
      combobox.clickSelectedOption()
    } else if (event.key === 'Escape' && !combobox.dropdownOpened) input.current?.blur()
  }

  return (
    <div className={classes.filter}>
      <Combobox store={combobox} onOptionSubmit={take} withinPortal={false} position="bottom-start">
        <Combobox.Target withKeyboardNavigation>
          <TextInput
            ref={input}
            classNames={{ input: classes.input }}
            aria-label="Filter runs"
            placeholder='metrics.mse < 0.3 and status = "Completed"   ( / )'
            leftSection={<Icon name="filter" size={16} />}
            rightSection={<Syntax />}
            spellCheck={false}
            autoComplete="off"
            autoCapitalize="off"
            maxLength={4000}
            value={text}
            error={position !== null}
            aria-describedby={position === null ? undefined : 'filter-error'}
            onChange={(event) => {
              setText(event.currentTarget.value)
              setCaret(event.currentTarget.selectionStart ?? event.currentTarget.value.length)
              combobox.openDropdown()
              combobox.resetSelectedOption()
            }}
            onSelect={(event) => setCaret(event.currentTarget.selectionStart ?? 0)}
            onFocus={() => combobox.openDropdown()}
            onBlur={() => combobox.closeDropdown()}
            onKeyDown={pressed}
          />
        </Combobox.Target>
        <Combobox.Dropdown hidden={suggestions.words.length === 0}>
          <Combobox.Options aria-label="Words that fit" className={classes.words}>
            {suggestions.words.map((word) => (
              <Combobox.Option value={word} key={word} className={classes.word}>
                <bdi>{word}</bdi>
              </Combobox.Option>
            ))}
          </Combobox.Options>
        </Combobox.Dropdown>
      </Combobox>
      {text.trim() !== filter ? (
        <Button onClick={() => filterBy(text)}>Filter</Button>
      ) : (
        filter && (
          <Button
            variant="default"
            onClick={() => {
              setText('')
              filterBy('')
              input.current?.focus()
            }}
          >
            Clear
          </Button>
        )
      )}
      {position !== null && (
        <div id="filter-error" role="alert" className={classes.error}>
          <Place filter={filter} position={position} />
          <span>{error?.message}</span>
        </div>
      )}
    </div>
  )
}

/** Values that runs have of a field, the most frequent first; none for fields that are not texts. */
function useValues(experiment: string, column: string | null): readonly string[] {
  const by = column !== null && GROUPED.test(column) ? column : null
  const [settled] = useDebouncedValue(by, SETTLE_MS)
  const query = useQuery({
    queryKey: ['runs', 'values', experiment, settled],
    queryFn: ({ signal }) =>
      get<RunGroups>('/runs/groups', { experiment, by: settled, children: true, limit: MOST_VALUES }, signal),
    enabled: settled !== null,
    staleTime: 30_000,
    placeholderData: keepPreviousData,
  })
  if (by === null || by !== settled) return []
  return query.data?.groups.flatMap((group) => group.value ?? []) ?? []
}

/** The filter around the place where it goes wrong. Places count characters, not halves of them. */
function Place({ filter, position }: { readonly filter: string; readonly position: number }) {
  const characters = [...filter]
  return (
    <code>
      {characters.slice(Math.max(position - 40, 0), position).join('')}
      <mark>{characters[position] ?? '␣'}</mark>
      {characters.slice(position + 1, position + 30).join('')}
    </code>
  )
}

function Syntax() {
  return (
    <Popover position="bottom-end" width={360} shadow="md" withinPortal trapFocus>
      <Popover.Target>
        <ActionIcon variant="subtle" color="gray" size={26} aria-label="How filters are written">
          <Icon name="help" size={16} />
        </ActionIcon>
      </Popover.Target>
      <Popover.Dropdown aria-label="How filters are written">
        <FilterHelp />
      </Popover.Dropdown>
    </Popover>
  )
}
