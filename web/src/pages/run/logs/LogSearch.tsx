import { ActionIcon, Group, Text, TextInput } from '@mantine/core'
import { type JSX, useEffect, useRef, useState } from 'react'
import { type LogMatch, searchLog } from '../requests'

interface Properties {
  readonly runId: string
  readonly name: string
  readonly onChange: (text: string) => void
  /** Show the line that begins at this byte. */
  readonly onShow: (lineStart: number) => void
}

interface Found {
  readonly text: string
  readonly matches: readonly LogMatch[]
  readonly at: number
  /** Where the log is to be searched on; null at its end. */
  readonly next: number | null
}

const PAGE = 200

/** Searches the whole log, on the server: Enter finds the first line and then the next ones. */
export function LogSearch({ runId, name, onChange, onShow }: Properties): JSX.Element {
  const [text, setText] = useState('')
  const [found, setFound] = useState<Found | null>(null)
  const [isBusy, setBusy] = useState(false)
  const [error, setError] = useState('')
  const abort = useRef(new AbortController())

  // biome-ignore lint/correctness/useExhaustiveDependencies: another log is searched anew
  useEffect(() => {
    setFound(null)
    return () => abort.current.abort()
  }, [runId, name])

  const show = (next: Found) => {
    setFound(next)
    const match = next.matches[next.at]
    if (match) onShow(match.line_start)
  }

  const search = async (from: Found | null) => {
    abort.current.abort()
    const control = new AbortController()
    abort.current = control
    setBusy(true)
    setError('')
    try {
      let start = from?.next ?? 0
      for (;;) {
        const page = await searchLog(runId, name, text, start, PAGE, control.signal)
        const matches = [...(from?.matches ?? []), ...page.matches]
        if (page.matches.length > 0 || page.next_start === null) {
          const at = page.matches.length > 0 ? (from?.matches.length ?? 0) : (from?.at ?? 0)
          show({ text, matches, at, next: page.next_start })
          break
        }
        start = page.next_start
      }
    } catch (failure) {
      if (!control.signal.aborted) setError(failure instanceof Error ? failure.message : String(failure))
    } finally {
      if (!control.signal.aborted) setBusy(false)
    }
  }

  const step = (by: 1 | -1) => {
    if (text === '') return
    if (found === null || found.text !== text) void search(null)
    else if (by === 1 && found.at + 1 >= found.matches.length && found.next !== null) void search(found)
    else if (found.matches.length > 0) {
      show({ ...found, at: (found.at + by + found.matches.length) % found.matches.length })
    }
  }

  return (
    <Group gap={4} align="center">
      <TextInput
        size="xs"
        type="search"
        aria-label="Search in the log"
        placeholder="Search in the log"
        value={text}
        onChange={(event) => {
          setText(event.currentTarget.value)
          onChange(event.currentTarget.value)
        }}
        onKeyDown={(event) => {
          if (event.key === 'Enter') step(event.shiftKey ? -1 : 1)
        }}
      />
      <ActionIcon variant="default" aria-label="Match before" disabled={text === ''} onClick={() => step(-1)}>
        ↑
      </ActionIcon>
      <ActionIcon
        variant="default"
        aria-label="Next match"
        loading={isBusy}
        disabled={text === ''}
        onClick={() => step(1)}
      >
        ↓
      </ActionIcon>
      <Text size="xs" c={error ? 'red' : 'dimmed'} role="status">
        {error || resultText(found, text)}
      </Text>
    </Group>
  )
}

function resultText(found: Found | null, text: string): string {
  if (found === null || found.text !== text) return ''
  if (found.matches.length === 0) return 'not found'
  return `${found.at + 1} of ${found.matches.length}${found.next === null ? '' : '+'}`
}
