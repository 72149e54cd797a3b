import { Select } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import type { JSX } from 'react'
import { listRuns } from '../requests'

interface Properties {
  readonly label: string
  /** Shown within the field in place of above it. */
  readonly isLabelHidden?: boolean
  readonly experiment: string
  /** Runs that are not offered. */
  readonly except: readonly string[]
  readonly value: string | null
  readonly onChange: (runId: string | null) => void
}

const MOST = 500

/** Another run of the experiment, by its number or name. */
export function RunPicker({ label, isLabelHidden, experiment, except, value, onChange }: Properties): JSX.Element {
  const runs = useQuery({
    queryKey: ['runs', 'picker', experiment],
    queryFn: ({ signal }) => listRuns(experiment, { limit: MOST }, signal),
  })
  const found = (runs.data?.runs ?? []).filter((run) => !except.includes(run.run_id))
  const data = found.map((run) => ({ value: run.run_id, label: `#${run.number} ${run.name || run.run_id}` }))
  if (value !== null && !found.some((run) => run.run_id === value)) data.unshift({ value, label: value })
  return (
    <Select
      size="xs"
      w={isLabelHidden ? 220 : 300}
      maw="100%"
      label={isLabelHidden ? undefined : label}
      aria-label={label}
      placeholder={isLabelHidden ? label : 'Another run'}
      searchable
      clearable
      limit={50}
      data={data}
      value={value}
      onChange={onChange}
      nothingFoundMessage="No such run in this experiment"
    />
  )
}
