import { Progress } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { type JSX, useEffect, useState } from 'react'
import type { RunDetail } from '../../../api/types'
import { progressQuery } from '../requests'
import { progressWords } from './progress_words'
import classes from './RunProgress.module.css'

/** A bar of the steps that the run says are done; nothing where it says none, and once all is done. */
export function RunProgress({ run }: { readonly run: RunDetail }): JSX.Element | null {
  const query = useQuery(progressQuery(run.run_id))
  const progress = query.data?.progress ?? null
  const left = useLeft(progress?.remaining_s ?? null, query.dataUpdatedAt)
  if (!progress || run.status === 'Completed') return null
  return (
    <div className={classes.progress}>
      <Progress.Root className={classes.bar} size="lg">
        <Progress.Section
          value={Math.min(100, (100 * progress.done) / progress.total)}
          color={run.ended ? 'gray.6' : undefined}
          aria-label="Progress"
        />
      </Progress.Root>
      <span>{progressWords(progress.done, progress.total, left)}</span>
    </div>
  )
}

/** Seconds left, counted down from what was said at a moment. */
function useLeft(said: number | null, at: number): number | null {
  const [now, setNow] = useState(Date.now)
  const counts = said !== null && said > 0
  useEffect(() => {
    if (!counts) return
    const timer = setInterval(() => setNow(Date.now()), 1000)
    return () => clearInterval(timer)
  }, [counts])
  return said === null ? null : Math.max(0, said - Math.max(0, now - at) / 1000)
}
