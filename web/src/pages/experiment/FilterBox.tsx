import { Button, Combobox, TextInput, useCombobox } from '@mantine/core'
import { type KeyboardEvent, type Ref, useEffect, useImperativeHandle, useRef, useState } from 'react'
import { ApiError } from '../../api/http'
import type { RunColumns } from '../../api/types'
import { Icon } from '../../parts/Icon'
import classes from './filter.module.css'
import { suggest } from './filter_words'

export interface FilterHandle {
  readonly focus: () => void
}

interface Props {
  readonly handle: Ref<FilterHandle>
  /** The filter that the table shows. */
  readonly filter: string
  readonly columns: RunColumns | undefined
  readonly error: Error | null
  readonly onFilter: (filter: string) => void
}

/** Where in the filter it goes wrong, from 0; null where the error tells no place. */
export function errorPosition(error: Error | null): number | null {
  if (!(error instanceof ApiError) || error.status < 400 || error.status >= 500) return null
  if (error.position !== null) return error.position
  const match = /the filter is wrong at character (\d+)/.exec(error.message)
  return match ? Number(match[1]) - 1 : null
}

/** The filter, with words that fit. Enter filters; Tab or Enter takes the word that is marked. */
export function FilterBox({ handle, filter, columns, error, onFilter }: Props) {
  const [text, setText] = useState(filter)
  const [caret, setCaret] = useState(filter.length)
  const input = useRef<HTMLInputElement>(null)
  const combobox = useCombobox({ onDropdownClose: () => combobox.resetSelectedOption() })
  useEffect(() => setText(filter), [filter])
  useImperativeHandle(handle, () => ({ focus: () => input.current?.focus() }), [])

  const suggestions = suggest(text, caret, columns)
  const position = text === filter ? errorPosition(error) : null

  const take = (word: string) => {
    const behind = text.slice(suggestions.to)
    const put = word.endsWith('(') || behind.startsWith(' ') ? word : `${word} `
    const next = text.slice(0, suggestions.from) + put + behind
    const at = suggestions.from + put.length
    setText(next)
    setCaret(at)
    combobox.resetSelectedOption()
    requestAnimationFrame(() => {
      input.current?.focus()
      input.current?.setSelectionRange(at, at)
    })
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
    }
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
          <Combobox.Options aria-label="Words that fit">
            {suggestions.words.map((word) => (
              <Combobox.Option value={word} key={word} className={classes.word}>
                {word}
              </Combobox.Option>
            ))}
          </Combobox.Options>
        </Combobox.Dropdown>
      </Combobox>
      {(filter || text) && (
        <Button
          variant="default"
          onClick={() => {
            setText('')
            filterBy('')
          }}
        >
          Clear
        </Button>
      )}
      {position !== null && (
        <div id="filter-error" role="alert" className={classes.error}>
          <code>
            {filter.slice(Math.max(position - 40, 0), position)}
            <mark>{filter.slice(position, position + 1) || '␣'}</mark>
            {filter.slice(position + 1, position + 30)}
          </code>
          <span>{error?.message}</span>
        </div>
      )}
    </div>
  )
}
