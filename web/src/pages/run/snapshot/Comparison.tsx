import { NavLink, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import type { JSX } from 'react'
import { runQuery } from '../../../api/queries'
import type { RunDetail } from '../../../api/types'
import { Empty } from '../../../parts/Empty'
import { Loading } from '../../../parts/Loading'
import { Problem } from '../../../parts/Problem'
import { useAddress } from '../../../state/address'
import layout from '../files/index.module.css'
import { diffOfFile, diffSnapshots, type SnapshotDiff } from '../requests'
import classes from './Comparison.module.css'
import { DiffView } from './DiffView'

interface Properties {
  readonly run: RunDetail
  readonly snapshot: string
  readonly otherRun: string
}

/** What is otherwise in this run's source than in that of another run. */
export function Comparison({ run, snapshot, otherRun }: Properties): JSX.Element {
  const other = useQuery(runQuery(otherRun))
  const before = other.data?.snapshots[0]
  const diff = useQuery({
    queryKey: ['snapshot', before, 'diff', snapshot],
    queryFn: ({ signal }) => diffSnapshots(before ?? '', snapshot, signal),
    enabled: before !== undefined,
    staleTime: Number.POSITIVE_INFINITY,
  })
  const error = other.error ?? diff.error
  if (error) return <Problem error={error} title="The snapshots could not be compared" />
  if (other.data && before === undefined) return <Empty title={`Run ${otherRun} has no snapshot`} />
  if (!other.data || !diff.data || before === undefined) return <Loading what="what differs" />
  const names = changedFiles(diff.data)
  if (names.length === 0) {
    return (
      <Empty title="Both runs have the same source">
        {run.name || run.run_id} and {other.data.name || otherRun} ran the same files.
      </Empty>
    )
  }
  return <ChangedFiles names={names} before={before} after={snapshot} />
}

interface ChangedFile {
  readonly name: string
  readonly how: 'added' | 'removed' | 'changed'
}

function changedFiles(diff: SnapshotDiff): ChangedFile[] {
  const all = (['changed', 'added', 'removed'] as const).flatMap((how) => diff[how].map((name) => ({ name, how })))
  return all.sort((a, b) => (a.name < b.name ? -1 : 1))
}

interface ChangedProperties {
  readonly names: readonly ChangedFile[]
  readonly before: string
  readonly after: string
}

const MOST_LISTED = 1000

function ChangedFiles({ names, before, after }: ChangedProperties): JSX.Element {
  const address = useAddress()
  const chosen = names.find((each) => each.name === address.get('file')) ?? names[0]
  return (
    <div className={layout.layout} data-lower>
      <nav className={classes.list} aria-label="Changed files">
        {names.slice(0, MOST_LISTED).map(({ name, how }) => (
          <NavLink
            key={name}
            component="button"
            active={name === chosen?.name}
            label={name}
            rightSection={
              <Text size="xs" className={classes[how]}>
                {how}
              </Text>
            }
            onClick={() => address.set({ file: name }, { push: true })}
          />
        ))}
        {names.length > MOST_LISTED && (
          <Text size="sm" c="dimmed">
            and {(names.length - MOST_LISTED).toLocaleString('en')} more
          </Text>
        )}
      </nav>
      <div className={layout.shown}>
        {chosen && <FileDiff key={chosen.name} before={before} after={after} name={chosen.name} />}
      </div>
    </div>
  )
}

interface FileDiffProperties {
  readonly before: string
  readonly after: string
  readonly name: string
}

function FileDiff({ before, after, name }: FileDiffProperties): JSX.Element {
  const query = useQuery({
    queryKey: ['snapshot', before, 'diff', after, name],
    queryFn: ({ signal }) => diffOfFile(before, after, name, signal),
    staleTime: Number.POSITIVE_INFINITY,
  })
  if (query.isPending) return <Loading what="what differs" />
  if (query.isError) return <Problem error={query.error} title={`${name} could not be compared`} />
  if (query.data === '') return <Text c="dimmed">The texts are the same; only whether it is executable differs.</Text>
  return <DiffView diff={query.data} label={`What differs in ${name}`} />
}
