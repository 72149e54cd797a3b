import { Select } from '@mantine/core'
import type { JSX } from 'react'
import type { RunDetail } from '../../api/types'
import { Empty } from '../../parts/Empty'
import { useAddress } from '../../state/address'
import { Comparison } from '../run/snapshot/Comparison'
import classes from './Charts.module.css'

/** The source of one of the runs against that of another, line by line. */
export function Code({ runs }: { readonly runs: readonly RunDetail[] }): JSX.Element | null {
  const address = useAddress()
  const sources = runs.filter((run) => run.snapshots.length > 0)
  if (sources.length < 2) {
    return (
      <Empty
        title={sources.length === 0 ? 'None of these runs has a snapshot' : 'Only one of these runs has a snapshot'}
      >
        <p>Submitted runs keep their source folder. Others do when they are told so:</p>
        <pre>{'experiment.start_logging(snapshot_directory=".")'}</pre>
      </Empty>
    )
  }
  const before = sources.find((run) => run.run_id === address.get('before')) ?? sources[0]
  const others = sources.filter((run) => run !== before)
  const after = others.find((run) => run.run_id === address.get('after')) ?? others[0]
  if (!before || !after) return null
  const offered = (from: readonly RunDetail[]) =>
    from.map((run) => ({ value: run.run_id, label: `#${run.number} ${run.name || run.run_id}` }))
  return (
    <>
      <div className={classes.choices}>
        <Select
          size="xs"
          w={300}
          maw="100%"
          label="From"
          data={offered(sources)}
          value={before.run_id}
          searchable
          allowDeselect={false}
          onChange={(id) =>
            address.set({ before: id, after: id === after.run_id ? before.run_id : after.run_id, file: null })
          }
        />
        <Select
          size="xs"
          w={300}
          maw="100%"
          label="To"
          data={offered(others)}
          value={after.run_id}
          searchable
          allowDeselect={false}
          onChange={(id) => address.set({ after: id, file: null })}
        />
      </div>
      <Comparison run={after} snapshot={after.snapshots[0] ?? ''} otherRun={before.run_id} />
    </>
  )
}
