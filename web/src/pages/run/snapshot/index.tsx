import { Anchor, Group, Select, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import type { JSX } from 'react'
import type { RunDetail } from '../../../api/types'
import { Empty } from '../../../parts/Empty'
import { formatBytes, formatCount } from '../../../parts/format'
import { Loading } from '../../../parts/Loading'
import { Problem } from '../../../parts/Problem'
import { useAddress } from '../../../state/address'
import { FileTree } from '../files/FileTree'
import layout from '../files/index.module.css'
import { Preview } from '../files/Preview'
import { previewOfSource, readSnapshot, snapshotFileAddress, snapshotZipAddress } from '../requests'
import { Comparison } from './Comparison'
import { RunPicker } from './RunPicker'
import { firstSource } from './source_lines'

/** The source as it was when the run began: its files, and what another run had otherwise. */
export default function SnapshotTab({ run }: { readonly run: RunDetail }): JSX.Element {
  const address = useAddress()
  const asked = address.get('snapshot')
  const id = run.snapshots.find((each) => each === asked) ?? run.snapshots[0]
  const other = address.get('other')
  if (id === undefined) {
    return (
      <Empty title="This run has no snapshot">
        <p>Submitted runs keep their source folder. Others do when they are told so:</p>
        <pre>{'experiment.start_logging(snapshot_directory=".")'}</pre>
      </Empty>
    )
  }
  return (
    <>
      <Group mb="sm" gap="sm" align="end">
        {run.snapshots.length > 1 && (
          <Select
            size="xs"
            label="Snapshot"
            data={run.snapshots.map((each, index) => ({ value: each, label: `${index + 1}: ${each.slice(0, 8)}` }))}
            value={id}
            allowDeselect={false}
            onChange={(value) => address.set({ snapshot: value })}
          />
        )}
        <RunPicker
          label="Compare with"
          experiment={run.experiment}
          except={[run.run_id]}
          value={other}
          onChange={(value) => address.set({ other: value }, { push: true })}
        />
        <Anchor size="sm" href={snapshotZipAddress(id)} download>
          Download as a zip
        </Anchor>
      </Group>
      {other ? <Comparison run={run} snapshot={id} otherRun={other} /> : <Source id={id} runId={run.run_id} />}
    </>
  )
}

function Source({ id, runId }: { readonly id: string; readonly runId: string }): JSX.Element {
  const address = useAddress()
  const query = useQuery({
    queryKey: ['snapshot', id],
    queryFn: ({ signal }) => readSnapshot(id, signal),
    staleTime: Number.POSITIVE_INFINITY,
  })
  if (query.isPending) return <Loading what="the snapshot" />
  if (query.isError) return <Problem error={query.error} title={`The snapshot of run ${runId} could not be read`} />
  const { files, total, bytes } = query.data
  if (files.length === 0) return <Empty title="The snapshot is empty">The source folder had no files.</Empty>
  const chosen = address.get('file') ?? firstSource(files.map((file) => file.name))
  const file = files.find((each) => each.name === chosen)
  return (
    <div className={layout.layout} data-lower>
      <div className={layout.side}>
        <FileTree
          entries={files}
          selected={chosen}
          onSelect={(name) => address.set({ file: name }, { push: true })}
          label="Files of the snapshot"
        />
        <Text size="sm" c="dimmed">
          {formatCount(total, 'file')}, {formatBytes(bytes)}
        </Text>
      </div>
      <div className={layout.shown}>
        {file ? (
          <Preview
            key={file.name}
            read={(signal) => previewOfSource(id, file.name, signal)}
            name={file.name}
            size={file.size}
            digest={file.digest}
            address={snapshotFileAddress(id, file.name, false)}
            download={snapshotFileAddress(id, file.name, true)}
          />
        ) : (
          <Text c="dimmed">The snapshot has no file “{chosen}”.</Text>
        )}
      </div>
    </div>
  )
}
