import { Anchor, Group, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import type { JSX } from 'react'
import { formatBytes } from '../../../parts/format'
import { Loading } from '../../../parts/Loading'
import { Problem } from '../../../parts/Problem'
import type { FilePreview } from '../requests'
import { CodeView } from '../snapshot/CodeView'
import { readableJson } from './json_layout'
import classes from './Preview.module.css'
import { PreviewTable } from './PreviewTable'

interface Properties {
  readonly read: (signal: AbortSignal) => Promise<FilePreview>
  readonly name: string
  /** Of the content: another one is another preview. */
  readonly digest: string
  /** Where the file is, to be looked at and to be saved. */
  readonly address: string
  readonly download: string
}

/** What a file holds, as far as it can be shown; the whole of it is one link away. */
export function Preview({ read, name, digest, address, download }: Properties): JSX.Element {
  const query = useQuery({
    queryKey: ['preview', digest, name],
    queryFn: ({ signal }) => read(signal),
    staleTime: Number.POSITIVE_INFINITY,
  })
  return (
    <div className={classes.preview}>
      <Group gap="sm">
        <Text fw={600} className={classes.name}>
          {name}
        </Text>
        {query.data && (
          <Text size="sm" c="dimmed">
            {formatBytes(query.data.size)} · {query.data.content_type}
          </Text>
        )}
        <Anchor size="sm" href={download} download>
          Download
        </Anchor>
      </Group>
      {query.isPending && <Loading what="the file" />}
      {query.isError && <Problem error={query.error} title="The file could not be read" />}
      {query.data && <Shown preview={query.data} address={address} />}
    </div>
  )
}

function Shown({ preview, address }: { preview: FilePreview; address: string }): JSX.Element {
  const cut = preview.truncated
    ? `Only the beginning is shown${preview.total_rows ? ` (of ${preview.total_rows.toLocaleString('en')} rows)` : ''}.`
    : ''
  switch (preview.kind) {
    case 'image':
      return <img className={classes.image} src={address} alt={preview.name} />
    case 'pdf':
      return <Pdf address={address} name={preview.name} />
    case 'table':
      return (
        <>
          <PreviewTable columns={preview.columns ?? []} rows={preview.rows ?? []} label={preview.name} />
          <Text size="sm" c="dimmed">
            {cut}
          </Text>
        </>
      )
    case 'json':
    case 'text':
      return (
        <>
          {cut && (
            <Text size="sm" c="dimmed">
              {cut}
            </Text>
          )}
          <CodeView
            text={preview.kind === 'json' ? readableJson(preview.text ?? '') : (preview.text ?? '')}
            name={preview.name}
          />
        </>
      )
    default:
      return (
        <Text c="dimmed">{preview.note ?? 'This is no text, table, image or PDF: download it to look into it.'}</Text>
      )
  }
}

function Pdf({ address, name }: { address: string; name: string }): JSX.Element {
  return (
    <>
      <Anchor href={address} target="_blank" rel="noreferrer">
        Open the PDF in a page of its own
      </Anchor>
      {navigator.pdfViewerEnabled && <iframe className={classes.pdf} src={address} title={name} />}
    </>
  )
}
