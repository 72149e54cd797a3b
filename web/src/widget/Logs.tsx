import { type FormEvent, useEffect, useMemo, useState, useSyncExternalStore } from 'react'
import { LogLines } from '../pages/run/logs/LogLines'
import { LogReader } from '../pages/run/logs/log_reader'
import type { LogEntry, LogMatches } from '../pages/run/requests'
import { formatBytes } from '../parts/format'
import { askFor, type Channel } from './channel'
import { bytesOf, type LogsPart } from './model'
import { isEnded, type RunSource } from './source'
import { useAsked } from './use_asked'
import classes from './widget.module.css'

interface Props {
  readonly source: RunSource
  readonly channel: Channel
}

const DRIVER_LOG = 'azureml-logs/70_driver_log.txt'
const AGAIN_MS = 2000

/** The run's logs: one of them, which grows while one looks. */
export function Logs({ source, channel }: Props) {
  const { runId } = source
  const [wanted, setWanted] = useState<string | null>(null)
  const asked = useAsked(source.isSent ? null : `${runId} logs`, 0, (signal) =>
    askFor<{ logs: readonly LogEntry[] }>(channel, { ask: 'logs', run_id: runId }, signal),
  )
  const logs = source.logs?.logs ?? asked.value?.logs
  if (asked.error) return <p role="alert">The logs could not be read: {asked.error.message}</p>
  if (!logs) return <p>Reading the logs …</p>
  if (logs.length === 0) {
    return (
      <p>This run has no logs{isEnded(source.run?.run.status) ? '' : ' yet'}. What a submitted script prints is one.</p>
    )
  }
  const names = logs.map((each) => each.name)
  const name =
    wanted !== null && names.includes(wanted)
      ? wanted
      : (source.logs?.name ?? (names.includes(DRIVER_LOG) ? DRIVER_LOG : (names[0] as string)))
  const choose = (chosen: string) => {
    setWanted(chosen)
    // The kernel sends the end of this one from now on. Where there is none, nothing is to be had.
    if (source.isSent) void askFor(channel, { ask: 'choose_log', name: chosen }).catch(() => {})
  }
  const entry = logs.find((each) => each.name === name)
  return (
    <Log
      key={`${runId} ${name}`}
      runId={runId}
      name={name}
      size={entry?.size ?? 0}
      live={entry?.live ?? false}
      sent={source.logs?.name === name ? source.logs : null}
      isSent={source.isSent}
      channel={channel}
      selector={
        <select
          className={classes.input}
          aria-label="Log"
          value={name}
          onChange={(event) => choose(event.currentTarget.value)}
        >
          {names.map((each) => (
            <option key={each}>{each}</option>
          ))}
        </select>
      }
    />
  )
}

interface LogProps {
  readonly runId: string
  readonly name: string
  readonly size: number
  readonly live: boolean
  /** The end of it, where the kernel sends it. */
  readonly sent: LogsPart | null
  readonly isSent: boolean
  readonly channel: Channel
  readonly selector: React.ReactNode
}

function Log({ runId, name, size, live, sent, isSent, channel, selector }: LogProps) {
  const reader = useMemo(
    () =>
      new LogReader(async (start, length, signal) => {
        const { answer, buffers } = await channel.ask({ ask: 'log', run_id: runId, name, start, length }, signal)
        const bytes = buffers[0] ? bytesOf(buffers[0]) : new Uint8Array(0)
        return { start: Number(answer.start), bytes, size: Number(answer.size) }
      }),
    [channel, runId, name],
  )
  const state = useSyncExternalStore(reader.subscribe, reader.snapshot)
  useEffect(() => () => reader.close(), [reader])

  // What is sent goes on where the lines end, or begins anew: another log in its place, or more than is sent at once.
  useEffect(() => {
    if (!sent) return
    const bytes = bytesOf(sent.data)
    const { window, size: known } = reader.state
    if (known !== null && sent.start <= window.end && sent.size >= window.end) reader.grown(sent.start, bytes)
    else reader.seed(sent.start, bytes, sent.size)
  }, [reader, sent])

  // biome-ignore lint/correctness/useExhaustiveDependencies: it is opened once; `size` is only where its end is
  useEffect(() => {
    if (isSent) return
    let timer: ReturnType<typeof setTimeout> | undefined
    let isOver = false
    const again = async () => {
      const { window, size: known } = reader.state
      // Its end is in sight: see whether there is more.
      if (window.end >= (known ?? 0)) {
        const { answer, buffers } = await channel.ask({ ask: 'log', run_id: runId, name, start: window.end })
        if (buffers[0]) reader.grown(Number(answer.start), bytesOf(buffers[0]))
      }
      if (!isOver) timer = setTimeout(() => void again().catch(() => {}), AGAIN_MS)
    }
    void reader.open('end', size).then(() => {
      if (live && !isOver) void again().catch(() => {})
    })
    return () => {
      isOver = true
      clearTimeout(timer)
    }
  }, [reader, isSent])

  const [text, setText] = useState('')
  const [marked, setMarked] = useState<number | null>(null)
  const [found, setFound] = useState('')
  const search = async (event: FormEvent) => {
    event.preventDefault()
    if (text === '') return
    setFound('Searching …')
    try {
      const after = marked === null ? 0 : marked + 1
      const ask = (start: number) =>
        askFor<LogMatches>(channel, { ask: 'search_log', run_id: runId, name, text, start })
      let page = await ask(after)
      while (page.matches.length === 0 && page.next_start !== null) page = await ask(page.next_start)
      const match = page.matches.find((each) => each.line_start !== marked) ?? null
      if (match === null) {
        setFound(marked === null ? 'Not found' : 'No more; the next search begins at the start')
        setMarked(null)
        return
      }
      setFound('')
      setMarked(match.line_start)
      await reader.open(match.line_start, reader.state.size ?? size)
    } catch (error) {
      setFound(error instanceof Error ? error.message : String(error))
    }
  }
  const total = state.size ?? size
  const jump = (target: number | 'end') => {
    if (target === 'end' && sent) reader.seed(sent.start, bytesOf(sent.data), sent.size)
    else void reader.open(target, total)
  }
  return (
    <>
      <div className={classes.tools}>
        {selector}
        <form className={classes.group} onSubmit={(event) => void search(event)}>
          <input
            type="search"
            className={classes.input}
            placeholder="Search in the log"
            aria-label="Search in the log"
            value={text}
            onChange={(event) => {
              setText(event.currentTarget.value)
              setMarked(null)
              setFound('')
            }}
          />
          <button type="submit" className={classes.button} disabled={text === ''}>
            Next
          </button>
        </form>
        <button type="button" className={classes.button} onClick={() => jump(0)}>
          Start
        </button>
        <button type="button" className={classes.button} onClick={() => jump('end')}>
          End
        </button>
        <span role="status" className={classes.dimmed}>
          {found || `${formatBytes(total)}${live ? ', growing' : ''}`}
        </span>
      </div>
      {state.error && <p role="alert">The log could not be read: {state.error.message}</p>}
      <div className={classes.log}>
        <LogLines reader={reader} state={state} marked={text} markedLine={marked} label={`Log ${name}`} />
      </div>
    </>
  )
}
