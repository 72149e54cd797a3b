import { ActionIcon, Button, CopyButton, Group, NumberInput, Select, Slider, Switch, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { type JSX, useEffect, useMemo, useRef, useState, useSyncExternalStore } from 'react'
import { formatBytes } from '../../../parts/format'
import { Icon } from '../../../parts/Icon'
import { Problem } from '../../../parts/Problem'
import { changed, useAddress } from '../../../state/address'
import { fileAddress, findLine, followLog, readLogPart } from '../requests'
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
  /** All logs of the run, e.g. one for each rank. */
  readonly names?: readonly string[]
}

/** Larger logs (bytes) are not counted through only so that lines which are looked at have numbers. */
const MOST_COUNTED = 2 * 1024 ** 3

/** One log: search, jump anywhere, and the lines; a live one grows while one looks. The address holds a line. */
export function LogView({ runId, name, size, isLive, fromEnd, names = [] }: Properties): JSX.Element {
  const address = useAddress()
  const reader = useMemo(
    () => new LogReader((start, length, signal) => readLogPart(runId, name, start, length, signal)),
    [runId, name],
  )
  const state = useSyncExternalStore(reader.subscribe, reader.snapshot)
  const [marked, setMarked] = useState('')
  const [isFollowing, setFollowing] = useState(isLive)
  const [isEndInSight, setEndInSight] = useState(true)
  const at = readByte(address.get('at'))
  // The line that the address names when the log is opened; a line that is chosen later is in sight already.
  const opened = useRef(at)
  const isWrapped = address.get('wrap') === '1'

  // biome-ignore lint/correctness/useExhaustiveDependencies: another log is opened anew, a grown one is not
  useEffect(() => {
    setFollowing(isLive)
    let stop = () => {}
    let isOver = false
    void reader.open(opened.current ?? (fromEnd ? 'end' : 0), size).then(() => {
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
  useLineNumbers(reader, runId, name, total)
  const isPart = window.start > 0 || window.end < total
  const jump = (target: number | 'end') => void reader.open(target, total)
  const show = (byte: number) => {
    address.set({ at: String(byte) })
    jump(byte)
  }

  return (
    <div className={classes.view}>
      <Group gap="xs" align="center">
        {names.length > 1 && (
          <Select
            size="xs"
            aria-label="Log"
            className={classes.select}
            data={names}
            value={name}
            searchable
            allowDeselect={false}
            onChange={(next) => address.set({ file: next, at: null }, { push: true })}
          />
        )}
        <LogSearch runId={runId} name={name} onChange={setMarked} onShow={show} />
        <LineJump runId={runId} name={name} onFound={show} />
        <Button.Group>
          <Button size="xs" variant="default" onClick={() => jump(0)}>
            Start
          </Button>
          <Button size="xs" variant="default" onClick={() => jump('end')}>
            End
          </Button>
        </Button.Group>
        <Switch
          size="xs"
          label="Wrap"
          checked={isWrapped}
          onChange={(event) => address.set({ wrap: event.currentTarget.checked ? '1' : null })}
        />
        {at !== null && (
          <Group gap={4}>
            <CopyButton value={`${location.origin}${location.pathname}${changed(location.search, { file: name })}`}>
              {({ copied, copy }) => (
                <Button size="xs" variant="default" onClick={copy}>
                  {copied ? 'Copied' : 'Copy link to the line'}
                </Button>
              )}
            </CopyButton>
            <ActionIcon
              size="md"
              variant="subtle"
              color="gray"
              aria-label="No line marked"
              title="No line marked"
              onClick={() => address.set({ at: null })}
            >
              <Icon name="close" size={13} />
            </ActionIcon>
          </Group>
        )}
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
        <div className={classes.lines}>
          <LogLines
            reader={reader}
            state={state}
            marked={marked}
            markedLine={at}
            label={`Log ${name}`}
            isWrapped={isWrapped}
            onLine={(start) => address.set({ at: start === at ? null : String(start) })}
            onEnd={setEndInSight}
          />
          {isFollowing && !isEndInSight && (
            <Button size="compact-sm" className={classes.follow} onClick={() => jump('end')}>
              Follow
            </Button>
          )}
        </div>
      )}
    </div>
  )
}

function readByte(text: string | null): number | null {
  const byte = text === null || text === '' ? Number.NaN : Number(text)
  return Number.isSafeInteger(byte) && byte >= 0 ? byte : null
}

/** Has lines that are read amid the log numbered, which takes the server a moment: it counts from the beginning. */
function useLineNumbers(reader: LogReader, runId: string, name: string, total: number): void {
  const { window, isReading, jumps } = reader.state
  const isWanted = window.lineCount > 0 && window.firstLine === null && !isReading && total <= MOST_COUNTED
  const byte = isWanted ? window.start : null
  const found = useQuery({
    queryKey: ['log-line', runId, name, jumps, byte],
    queryFn: ({ signal }) => findLine(runId, name, { byte: byte ?? 0 }, signal),
    enabled: byte !== null,
    gcTime: 0,
    retry: false,
  })
  const number = found.data?.number
  useEffect(() => {
    if (byte !== null && number !== undefined) reader.numbered(byte, number)
  }, [reader, byte, number])
}

interface JumpProperties {
  readonly runId: string
  readonly name: string
  readonly onFound: (byte: number) => void
}

/** Goes to a line by its number. */
function LineJump({ runId, name, onFound }: JumpProperties): JSX.Element {
  const [number, setNumber] = useState<number | string>('')
  const [problem, setProblem] = useState('')
  const go = async () => {
    if (typeof number !== 'number') return
    setProblem('')
    try {
      onFound((await findLine(runId, name, { number })).start)
    } catch (error) {
      setProblem(error instanceof Error ? error.message : String(error))
    }
  }
  return (
    <NumberInput
      size="xs"
      className={classes.jump}
      aria-label="Go to line"
      placeholder="Line"
      min={1}
      allowDecimal={false}
      allowNegative={false}
      hideControls
      value={number}
      error={problem || undefined}
      onChange={setNumber}
      onKeyDown={(event) => {
        if (event.key === 'Enter') void go()
      }}
    />
  )
}
