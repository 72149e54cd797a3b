import { useState, useSyncExternalStore } from 'react'
import { progressWords } from '../pages/run/header/progress_words'
import { formatDuration } from '../parts/format'
import { Status } from '../parts/Status'
import { askFor, type Channel } from './channel'
import type { RunPart } from './model'
import { isEnded, type RunSource } from './source'
import { useAsked } from './use_asked'
import { useClock } from './use_clock'
import classes from './widget.module.css'

interface Props {
  readonly source: RunSource
  readonly part: RunPart
  readonly channel: Channel
}

/** The run in a few words: name, status, how long and how far; its end can be asked for, and its page is a link. */
export function Header({ source, part, channel }: Props) {
  const { run, progress } = part
  const active = !isEnded(run.status)
  const told = source.told
  const clock = useClock(told, active)
  const isBusy = useSyncExternalStore(channel.subscribe, channel.isBusy)
  const seconds =
    run.duration_s ?? (run.started === null ? null : Math.max(0, (clock.now - Date.parse(run.started)) / 1000))
  const trouble = source.error?.message ?? told?.trouble
  return (
    <header className={classes.header}>
      <div className={classes.line}>
        <h2 className={classes.name} title={run.run_id}>
          {run.name || run.run_id}
        </h2>
        <Status status={run.status} />
        {seconds !== null && (
          <span className={classes.duration}>{formatDuration(active ? Math.floor(seconds) : seconds)}</span>
        )}
        <span className={classes.fill} />
        {active && <CancelButton runId={run.run_id} channel={channel} isAsked={run.status === 'CancelRequested'} />}
        {source.isSent ? <PortalLink url={told?.portal} /> : <AskedPortalLink runId={run.run_id} channel={channel} />}
      </div>
      <p className={classes.facts}>
        Run {run.number} of experiment {run.experiment}
        {run.parent_id !== null && ' · child run'}
        {run.target !== null && ` · on ${run.target}`}
      </p>
      {progress && (
        <div className={classes.progress}>
          <progress
            max={progress.total}
            value={Math.min(progress.done, progress.total)}
            aria-label="Progress of the run"
          />
          <span>{progressWords(progress.done, progress.total, active ? progress.remaining_s : null)}</span>
        </div>
      )}
      {run.error_message && <p className={classes.problem}>{run.error_message}</p>}
      <div role="status" className={classes.state}>
        {trouble && <p className={classes.problem}>Not up to date: {trouble}</p>}
        {!trouble && clock.isSilent && (
          <p>
            Nothing was heard of the kernel for a while: this is the state of {new Date(clock.now).toLocaleTimeString()}
            .
          </p>
        )}
        {isBusy && <p>What you asked for comes when the kernel has finished the cell that it executes.</p>}
      </div>
    </header>
  )
}

function CancelButton({
  runId,
  channel,
  isAsked,
}: {
  readonly runId: string
  readonly channel: Channel
  readonly isAsked: boolean
}) {
  const [state, setState] = useState<'' | 'sure' | 'asked'>('')
  const [problem, setProblem] = useState('')
  if (isAsked || state === 'asked') return <span className={classes.facts}>Asked to end</span>
  const cancel = () => {
    setState('asked')
    setProblem('')
    askFor(channel, { ask: 'cancel', run_id: runId }).catch((error: unknown) => {
      setState('')
      setProblem(error instanceof Error ? error.message : String(error))
    })
  }
  return (
    <span className={classes.group}>
      {problem && <span role="alert">{problem}</span>}
      {state === 'sure' ? (
        <>
          <span>End this run?</span>
          <button type="button" className={classes.danger} onClick={cancel}>
            Cancel the run
          </button>
          <button type="button" className={classes.button} onClick={() => setState('')}>
            Let it run
          </button>
        </>
      ) : (
        <button type="button" className={classes.button} onClick={() => setState('sure')}>
          Cancel
        </button>
      )}
    </span>
  )
}

/** The link to the run's page. */
function PortalLink({ url }: { readonly url: string | null | undefined }) {
  if (!url || !/^https?:\/\//.test(url)) return null
  return (
    <a className={classes.link} href={url} target="_blank" rel="noopener noreferrer">
      Open in the portal
    </a>
  )
}

function AskedPortalLink({ runId, channel }: { readonly runId: string; readonly channel: Channel }) {
  const asked = useAsked(runId, 0, (signal) =>
    askFor<{ url: string }>(channel, { ask: 'portal', run_id: runId }, signal),
  )
  return <PortalLink url={asked.value?.url} />
}
