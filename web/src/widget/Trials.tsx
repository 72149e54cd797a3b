import { useMemo } from 'react'
import { TrialCharts } from '../pages/run/trials/TrialCharts'
import { askFor, type Channel } from './channel'
import type { TrialsPart } from './model'
import type { RunSource } from './source'
import { trialsOf } from './trial_rows'
import { useAsked } from './use_asked'
import classes from './widget.module.css'

interface Props {
  readonly source: RunSource
  readonly channel: Channel
  readonly onOpen: (runId: string) => void
}

/** The charts of a sweep's trials, as on the run's page in the portal. */
export function Trials({ source, channel, onOpen }: Props) {
  const asked = useAsked(source.isSent ? null : `${source.runId} trials`, source.run, (signal) =>
    askFor<TrialsPart>(channel, { ask: 'trials', run_id: source.runId }, signal),
  )
  const part = source.trials ?? asked.value
  const trials = useMemo(() => (part?.ids?.length ? trialsOf(part) : null), [part])
  if (!part || !trials) return null
  return (
    <>
      {part.ids.length < part.total && (
        <p className={classes.dimmed}>
          The charts show the best {part.ids.length.toLocaleString('en')} of {part.total.toLocaleString('en')} trials.
        </p>
      )}
      <TrialCharts {...trials} onOpen={onOpen} />
    </>
  )
}
