import { Anchor, Group, SegmentedControl, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import type { JSX, ReactNode } from 'react'
import { formatBytes } from '../../../parts/format'
import { Loading } from '../../../parts/Loading'
import { Problem } from '../../../parts/Problem'
import { useAddress } from '../../../state/address'
import type { FilePreview } from '../requests'
import { CodeView } from '../snapshot/CodeView'
import { ImageView } from './ImageView'
import { readableJson } from './json_layout'
import { NotebookView } from './NotebookView'
import { ParquetView } from './ParquetView'
import classes from './Preview.module.css'
import { PreviewTable } from './PreviewTable'

interface Properties {
  readonly read: (signal: AbortSignal) => Promise<FilePreview>
  readonly name: string
  /** Bytes. */
  readonly size: number
  /** Of the content: another one is another preview. */
  readonly digest: string
  /** Where the file is, to be looked at and to be saved. */
  readonly address: string
  readonly download: string
  /** The file as lines of any number, where it can be had so. */
  readonly lines?: ReactNode
}

/** Larger notebooks (bytes) are shown as text. */
const MOST_NOTEBOOK = 20 << 20

/** What a file holds, as far as it can be shown; the whole of it is one link away. */
export function Preview(properties: Properties): JSX.Element {
  const { name, size, digest, address, download } = properties
  const isParquet = /\.(parquet|pq)$/i.test(name)
  return (
    <div className={classes.preview}>
      <Group gap="sm">
        <Text fw={600} className={classes.name}>
          {name}
        </Text>
        <Text size="sm" c="dimmed">
          {formatBytes(size)}
        </Text>
        <Anchor size="sm" href={download} download>
          Download
        </Anchor>
      </Group>
      {isParquet ? <ParquetView name={name} size={size} digest={digest} address={address} /> : <Read {...properties} />}
    </div>
  )
}

function Read({ read, name, size, digest, address, lines }: Properties): JSX.Element {
  const query = useQuery({
    queryKey: ['preview', digest, name],
    queryFn: ({ signal }) => read(signal),
    staleTime: Number.POSITIVE_INFINITY,
  })
  if (query.isPending) return <Loading what="the file" />
  if (query.isError) return <Problem error={query.error} title="The file could not be read" />
  const preview = query.data
  switch (preview.kind) {
    case 'image':
      return <ImageView name={name} address={address} />
    case 'pdf':
      return <Pdf address={address} name={name} />
    case 'table':
      return <TableOrText preview={preview} lines={lines} />
    case 'json':
    case 'text': {
      const text = <Lines preview={preview} lines={lines} />
      const isNotebook = /\.ipynb$/i.test(name) && size <= MOST_NOTEBOOK
      return isNotebook ? <NotebookView name={name} digest={digest} address={address} otherwise={text} /> : text
    }
    default:
      return (
        <Text c="dimmed">{preview.note ?? 'This is no text, table, image or PDF: download it to look into it.'}</Text>
      )
  }
}

interface ShownProperties {
  readonly preview: FilePreview
  readonly lines: ReactNode
}

function Lines({ preview, lines }: ShownProperties): JSX.Element {
  // Lines are read as UTF-8.
  if (preview.truncated && lines && /^(utf-8|ascii)$/.test(preview.encoding ?? '')) return <>{lines}</>
  return (
    <>
      {preview.truncated && (
        <Text size="sm" c="dimmed">
          Only the beginning is shown.
        </Text>
      )}
      <CodeView
        text={preview.kind === 'json' ? readableJson(preview.text ?? '') : (preview.text ?? '')}
        name={preview.name}
      />
    </>
  )
}

/** A table of text: its first rows, or all of its lines. */
function TableOrText({ preview, lines }: ShownProperties): JSX.Element {
  const address = useAddress()
  const isText = address.get('as') === 'text' && lines !== undefined
  const rows = preview.rows ?? []
  const total = preview.total_rows === null ? '' : ` of ${preview.total_rows.toLocaleString('en')}`
  return (
    <>
      {lines !== undefined && (
        <SegmentedControl
          size="xs"
          className={classes.choice}
          aria-label="Show as"
          data={[
            { value: 'table', label: 'Table' },
            { value: 'text', label: 'Text' },
          ]}
          value={isText ? 'text' : 'table'}
          onChange={(as) => address.set({ as: as === 'text' ? as : null })}
        />
      )}
      {isText ? (
        lines
      ) : (
        <>
          <PreviewTable columns={preview.columns ?? []} types={preview.types ?? []} rows={rows} label={preview.name} />
          {preview.truncated && (
            <Text size="sm" c="dimmed">
              The first {rows.length.toLocaleString('en')}
              {total} rows.
            </Text>
          )}
        </>
      )}
    </>
  )
}

function Pdf({ address, name }: { address: string; name: string }): JSX.Element {
  return (
    <>
      <Anchor href={address} target="_blank" rel="noreferrer" size="sm">
        Open the PDF in a page of its own
      </Anchor>
      {navigator.pdfViewerEnabled ? (
        <iframe className={classes.pdf} src={address} title={name} />
      ) : (
        <Text size="sm" c="dimmed">
          This browser shows no PDF within a page.
        </Text>
      )}
    </>
  )
}
