import { Button, Group, Slider, Text } from '@mantine/core'
import { type JSX, useEffect, useMemo, useState, useSyncExternalStore } from 'react'
import { formatBytes } from '../../../parts/format'
import { Problem } from '../../../parts/Problem'
import { fileAddress, followLog, readLogPart } from '../requests'
import { LogLines } from './LogLines'
import { LogSearch } from './LogSearch'
import classes from './LogView.module.css'
import { LogReader } from './log_reader'

interface Properties {
  readonly runId: string
  readonly name: string
  /** Bytes, as the list of logs tells. */
  readonly size: number
  /** Whether the run may still write it. */
  readonly isLive: boolean
  /** Open at the end, as one wants it of what is on its way or has failed. */
  readonly fromEnd: boolean
}

/** One log: search, jump anywhere, and the lines; a live one grows while one looks. */
export function LogView({ runId, name, size, isLive, fromEnd }: Properties): JSX.Element {
  const reader = useMemo(
    () => new LogReader((start, length, signal) => readLogPart(runId, name, start, length, signal)),
    [runId, name],
  )
  const state = useSyncExternalStore(reader.subscribe, reader.snapshot)
  const [marked, setMarked] = useState('')
  const [markedLine, setMarkedLine] = useState<number | null>(null)
  const [isFollowing, setFollowing] = useState(isLive)

  // biome-ignore lint/correctness/useExhaustiveDependencies: another log is opened anew, a grown one is not
  useEffect(() => {
    setFollowing(isLive)
    let stop = () => {}
    let isOver = false
    void reader.open(fromEnd ? 'end' : 0, size).then(() => {
      if (isOver || !isLive) return
      const from = reader.state.size ?? size
      stop = followLog(runId, name, from, {
        onGrown: (start, bytes) => reader.grown(start, bytes),
        onReplaced: () => reader.replaced(),
        onEnd: () => setFollowing(false),
      })
    })
    return () => {
      isOver = true
      stop()
      reader.close()
    }
  }, [reader])

  const { window } = state
  const total = state.size ?? size
  const isPart = window.start > 0 || window.end < total
  const jump = (target: number | 'end') => {
    setMarkedLine(typeof target === 'number' && target > 0 ? target : null)
    void reader.open(target, total)
  }
  const showMatch = (lineStart: number) => {
    setMarkedLine(lineStart)
    void reader.open(lineStart, total)
  }

  return (
    <div className={classes.view}>
      <Group gap="xs" align="center">
        <LogSearch runId={runId} name={name} onChange={setMarked} onShow={showMatch} />
        <Button.Group>
          <Button size="xs" variant="default" onClick={() => jump(0)}>
            Start
          </Button>
          <Button size="xs" variant="default" onClick={() => jump('end')}>
            End
          </Button>
        </Button.Group>
        {!isFollowing && (
          <Button size="xs" variant="default" component="a" href={fileAddress(runId, name, true)} download>
            Download
          </Button>
        )}
        <Text size="sm" c="dimmed" aria-live="polite">
          {formatBytes(total)}
          {isFollowing ? ' · live' : ''}
        </Text>
      </Group>
      {isPart && (
        <Slider
          aria-label="Place in the log"
          thumbLabel="Place in the log"
          min={0}
          max={total}
          step={Math.max(1, Math.round(total / 1000))}
          defaultValue={window.start}
          key={`${state.jumps}`}
          label={(value) => formatBytes(value)}
          onChangeEnd={(value) => jump(value >= total ? 'end' : value)}
        />
      )}
      {state.error && <Problem error={state.error} title="The log could not be read" onRetry={() => jump('end')} />}
      {window.lineCount === 0 && !state.isReading && !state.error ? (
        <Text c="dimmed">Nothing has been written to this log{isFollowing ? ' yet' : ''}.</Text>
      ) : (
        <LogLines reader={reader} state={state} marked={marked} markedLine={markedLine} label={`Log ${name}`} />
      )}
    </div>
  )
}
