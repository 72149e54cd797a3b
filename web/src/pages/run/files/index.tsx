import { Anchor, Badge, Group, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { type JSX, useMemo } from 'react'
import type { RunDetail } from '../../../api/types'
import { Empty } from '../../../parts/Empty'
import { formatBytes, formatCount } from '../../../parts/format'
import { Loading } from '../../../parts/Loading'
import { Problem } from '../../../parts/Problem'
import { useAddress } from '../../../state/address'
import { LogView } from '../logs/LogView'
import { archiveAddress, type FileNames, fileAddress, listFiles, listLogs, previewOfFile } from '../requests'
import { FileTree } from './FileTree'
import classes from './index.module.css'
import { Preview } from './Preview'

interface Entry {
  readonly name: string
  readonly size: number
  /** Null for a log that still grows. */
  readonly digest: string | null
  readonly isLog: boolean
  readonly isLive: boolean
}

const DRIVER_LOG = 'azureml-logs/70_driver_log.txt'

/** What the run has written: a tree at the left, the chosen file or log beside it. */
export default function Files({ run }: { readonly run: RunDetail }): JSX.Element {
  const address = useAddress()
  const files = useQuery({
    queryKey: ['run', run.run_id, 'files'],
    queryFn: ({ signal }) => listFiles(run.run_id, signal),
  })
  const logs = useQuery({
    queryKey: ['run', run.run_id, 'files', 'logs'],
    queryFn: ({ signal }) => listLogs(run.run_id, signal),
    refetchInterval: run.ended === null ? 5000 : false,
  })
  const entries = useMemo(() => entriesOf(files.data, logs.data?.logs ?? []), [files.data, logs.data])

  if (files.isPending || logs.isPending) return <Loading what="the files" />
  if (files.isError) {
    return <Problem error={files.error} title="The files could not be read" onRetry={() => void files.refetch()} />
  }
  if (logs.isError) {
    return <Problem error={logs.error} title="The logs could not be read" onRetry={() => void logs.refetch()} />
  }
  if (entries.length === 0) return <NoFiles />
  const chosen =
    address.get('file') ?? entries.find((each) => each.name === DRIVER_LOG)?.name ?? entries[0]?.name ?? null
  const entry = entries.find((each) => each.name === chosen)
  const folder = chosen?.includes('/') ? chosen.slice(0, chosen.indexOf('/') + 1) : ''
  const total = files.data.names.length
  const bytes = files.data.sizes.reduce((sum, size) => sum + size, 0)
  const logNames = entries.filter((each) => each.isLog).map((each) => each.name)
  return (
    <div className={classes.layout}>
      <div className={classes.side}>
        <FileTree
          entries={entries}
          selected={chosen}
          onSelect={(name) => address.set({ file: name, at: null, as: null }, { push: true })}
          label="Files of the run"
          mark={(each) => (each.isLive ? <Badge size="xs">live</Badge> : null)}
        />
        <Group gap="xs">
          <Text size="sm" c="dimmed">
            {formatCount(total, 'file')}, {formatBytes(bytes)}
          </Text>
          {total > 0 && (
            <Anchor size="sm" href={archiveAddress(run.run_id, '')} download>
              All as a zip
            </Anchor>
          )}
          {folder !== '' && entry && !entry.isLive && (
            <Anchor size="sm" href={archiveAddress(run.run_id, folder)} download>
              {folder} as a zip
            </Anchor>
          )}
        </Group>
      </div>
      <div className={classes.shown}>
        {entry === undefined ? (
          <Text c="dimmed">This run has no file “{chosen}”.</Text>
        ) : entry.isLog ? (
          <LogView
            key={entry.name}
            runId={run.run_id}
            name={entry.name}
            size={entry.size}
            isLive={entry.isLive || run.ended === null}
            fromEnd={run.ended === null || run.status === 'Failed'}
            names={logNames}
          />
        ) : (
          <Preview
            key={entry.name}
            read={(signal) => previewOfFile(run.run_id, entry.name, signal)}
            name={entry.name}
            size={entry.size}
            digest={entry.digest ?? ''}
            address={fileAddress(run.run_id, entry.name, false)}
            download={fileAddress(run.run_id, entry.name, true)}
            lines={<LogView runId={run.run_id} name={entry.name} size={entry.size} isLive={false} fromEnd={false} />}
          />
        )}
      </div>
    </div>
  )
}

function NoFiles(): JSX.Element {
  return (
    <Empty title="This run has no files yet">
      <p>Files in ./outputs are kept when the run ends; others, and at once:</p>
      <pre>{'run.upload_file("outputs/model.pkl", "model.pkl")'}</pre>
    </Empty>
  )
}

interface Log {
  readonly name: string
  readonly size: number
  readonly live: boolean
}

function entriesOf(files: FileNames | undefined, logs: readonly Log[]): Entry[] {
  const found = new Map<string, Entry>()
  for (const [at, name] of (files?.names ?? []).entries()) {
    const [size = 0, digest = ''] = [files?.sizes[at], files?.digests[at]]
    found.set(name, { name, size, digest, isLog: false, isLive: false })
  }
  for (const { name, size, live } of logs) {
    found.set(name, { name, size, digest: found.get(name)?.digest ?? null, isLog: true, isLive: live })
  }
  return [...found.values()]
}
