import { TextInput } from '@mantine/core'
import type { Ref } from 'react'
import { Icon } from './Icon'

interface Props {
  readonly ref: Ref<HTMLInputElement>
  /** What it searches, for those who cannot see where it stands. */
  readonly label: string
  readonly value: string
  readonly onType: (text: string) => void
  /** Enter and the arrow down go on to what was found. */
  readonly onDown: () => void
}

/** Searches the table of a page; `/` is its key. */
export function SearchBox({ ref, label, value, onType, onDown }: Props) {
  return (
    <TextInput
      ref={ref}
      type="search"
      aria-label={label}
      placeholder="Search  ( / )"
      leftSection={<Icon name="search" size={16} />}
      maxLength={200}
      value={value}
      onChange={(event) => onType(event.currentTarget.value)}
      onKeyDown={(event) => {
        if (event.key === 'Escape' && !value) event.currentTarget.blur()
        else if (event.key === 'ArrowDown' || event.key === 'Enter') {
          event.preventDefault()
          onDown()
        }
      }}
    />
  )
}
