import { Button, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { type JSX, useState } from 'react'
import { formatBytes, formatCount } from '../../../parts/format'
import { Loading } from '../../../parts/Loading'
import { Problem } from '../../../parts/Problem'
import { PreviewTable } from './PreviewTable'

interface Properties {
  readonly name: string
  readonly size: number
  readonly digest: string
  readonly address: string
}

/** The head of a Parquet file, read in the browser: the portal needs no library for it. */
export function ParquetView({ name, size, digest, address }: Properties): JSX.Element {
  const [all, setAll] = useState(false)
  const query = useQuery({
    queryKey: ['parquet', digest, name, all],
    queryFn: async ({ signal }) => {
      const { LargeParquet, readParquet } = await import('./parquet')
      try {
        return await readParquet(address, size, all, signal)
      } catch (error) {
        if (error instanceof LargeParquet) return error
        throw error
      }
    },
    staleTime: Number.POSITIVE_INFINITY,
    retry: false,
  })
  if (query.isPending) return <Loading what="the file" />
  if (query.isError) return <Problem error={query.error} title="This Parquet file could not be read" />
  const head = query.data
  const total = formatCount(head.totalRows, 'row')
  if (head instanceof Error) {
    return (
      <>
        <PreviewTable columns={head.columns} types={head.types} rows={[]} label={name} />
        <Text size="sm">
          {total}. Its first ones lie in a part of {formatBytes(head.bytes)}.{' '}
          <Button size="compact-xs" variant="default" onClick={() => setAll(true)}>
            Read it
          </Button>
        </Text>
      </>
    )
  }
  const { columns, types, rows, totalColumns } = head
  return (
    <>
      <PreviewTable columns={columns} types={types} rows={rows} label={name} />
      <Text size="sm" c="dimmed">
        {rows.length < head.totalRows ? `The first ${rows.length} of ${total}` : total}
        {columns.length < totalColumns ? `, and of ${totalColumns.toLocaleString('en')} columns ${columns.length}` : ''}
      </Text>
    </>
  )
}
