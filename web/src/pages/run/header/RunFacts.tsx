import { Badge, Group, Text } from '@mantine/core'
import { type JSX, useEffect, useState } from 'react'
import type { RunDetail } from '../../../api/types'
import { formatDuration } from '../../../parts/format'
import { Moment } from '../../../parts/Moment'
import { Status } from '../../../parts/Status'

/** One line: number, status, when, how long, where, who. */
export function RunFacts({ run }: { readonly run: RunDetail }): JSX.Element {
  const duration = useDuration(run)
  return (
    <Group gap="4px 12px" mb="sm">
      <Text span c="dimmed">
        #{run.number}
      </Text>
      <Status status={run.status} />
      {run.archived && (
        <Badge variant="outline" color="gray">
          Archived
        </Badge>
      )}
      <Moment at={run.created} />
      {duration !== null && <span>{formatDuration(duration)}</span>}
      {run.target && <span>on {run.target}</span>}
      {run.submitted_by && <span>by {run.submitted_by}</span>}
    </Group>
  )
}

/** Seconds since the start; a run on its way goes on counting. */
function useDuration(run: RunDetail): number | null {
  const [now, setNow] = useState(Date.now)
  const isOpen = run.ended === null && run.started !== null
  useEffect(() => {
    if (!isOpen) return
    const timer = setInterval(() => setNow(Date.now()), 1000)
    return () => clearInterval(timer)
  }, [isOpen])
  if (run.started === null || !isOpen) return run.duration_s
  return Math.max(0, Math.floor((now - Date.parse(run.started)) / 1000))
}
