import { type AsyncBuffer, type FileMetaData, parquetMetadataAsync, parquetRead, type SchemaElement } from 'hyparquet'
import { request } from '../../../api/http'

/** The first rows of a Parquet file. Only its footer and the parts that hold them are fetched. */
export interface ParquetHead {
  readonly columns: readonly string[]
  readonly types: readonly string[]
  readonly rows: readonly (readonly string[])[]
  readonly totalRows: number
  readonly totalColumns: number
}

/** The rows lie in a part that is large: it is read only if that is wanted. */
export class LargeParquet extends Error {
  constructor(
    readonly columns: readonly string[],
    readonly types: readonly string[],
    readonly totalRows: number,
    /** Bytes that would have to be fetched, or unpacked, whichever is more. */
    readonly bytes: number,
  ) {
    super('the first rows lie in a large part of the file')
  }
}

const MOST_ROWS = 200
const MOST_COLUMNS = 100
const MOST_CHARACTERS = 300
/** Bytes that are fetched and unpacked without asking. */
export const AT_ONCE = 64 << 20

/** Raises ApiError, LargeParquet (unless `all`), and Error for what is no Parquet or packed in a way of its own. */
export async function readParquet(
  address: string,
  size: number,
  all: boolean,
  signal: AbortSignal,
): Promise<ParquetHead> {
  const file: AsyncBuffer = {
    byteLength: size,
    slice: async (start, end = size) => {
      const from = start < 0 ? size + start : start
      const response = await request(address, { signal, headers: { Range: `bytes=${from}-${end - 1}` } })
      return response.arrayBuffer()
    },
  }
  const metadata = await parquetMetadataAsync(file)
  const fields = topFields(metadata.schema)
  const shown = fields.slice(0, MOST_COLUMNS)
  const columns = shown.map((field) => field.name)
  const types = shown.map(typeOf)
  const totalRows = Number(metadata.num_rows)
  const bytes = bytesOfRows(metadata, new Set(columns))
  if (!all && bytes > AT_ONCE) throw new LargeParquet(columns, types, totalRows, bytes)
  let found: unknown[][] = []
  if (totalRows > 0) {
    const [{ decompress }, { gunzipSync }] = await Promise.all([import('fzstd'), import('fflate')])
    await parquetRead({
      file,
      metadata,
      columns,
      rowStart: 0,
      rowEnd: Math.min(MOST_ROWS, totalRows),
      useOffsetIndex: true,
      compressors: {
        ZSTD: (input, length) => decompress(input, new Uint8Array(length)),
        GZIP: (input, length) => gunzipSync(input, { out: new Uint8Array(length) }),
      },
      onComplete: (rows) => {
        found = rows
      },
    })
  }
  return {
    columns,
    types,
    rows: found.map((row) => row.map((cell, at) => cellText(cell, types[at]))),
    totalRows,
    totalColumns: fields.length,
  }
}

/** The columns, nested ones as one: the children of the schema's root. */
function topFields(schema: readonly SchemaElement[]): SchemaElement[] {
  const fields: SchemaElement[] = []
  let at = 1
  const skip = (element: SchemaElement) => {
    at++
    for (let child = element.num_children ?? 0; child > 0; child--) {
      const next = schema[at]
      if (next) skip(next)
    }
  }
  while (at < schema.length) {
    const element = schema[at]
    if (!element) break
    fields.push(element)
    skip(element)
  }
  return fields
}

/** Bytes of the parts that hold the first rows of these columns. */
function bytesOfRows(metadata: FileMetaData, columns: ReadonlySet<string>): number {
  let rows = 0
  let bytes = 0
  for (const group of metadata.row_groups) {
    for (const { meta_data: meta } of group.columns) {
      if (!meta || !columns.has(meta.path_in_schema[0] ?? '')) continue
      bytes += Math.max(Number(meta.total_compressed_size), Number(meta.total_uncompressed_size))
    }
    rows += Number(group.num_rows)
    if (rows >= MOST_ROWS) break
  }
  return bytes
}

function typeOf({
  type,
  logical_type: logical,
  converted_type: converted,
  num_children: children,
}: SchemaElement): string {
  if (logical && 'type' in logical && typeof logical.type === 'string') return logical.type.toLowerCase()
  if (converted) return converted.toLowerCase()
  if (children) return 'struct'
  return (type ?? '').toLowerCase()
}

function cellText(cell: unknown, type = ''): string {
  const text = type === 'date' && cell instanceof Date ? plain(cell).slice(0, 10) : plain(cell)
  return text.length > MOST_CHARACTERS ? `${text.slice(0, MOST_CHARACTERS)}…` : text
}

function plain(cell: unknown): string {
  if (cell === null || cell === undefined) return ''
  if (cell instanceof Date) return Number.isNaN(cell.getTime()) ? '' : cell.toISOString()
  if (cell instanceof Uint8Array)
    return `0x${[...cell.subarray(0, 32)].map((byte) => byte.toString(16).padStart(2, '0')).join('')}`
  if (typeof cell !== 'object') return String(cell)
  const written = JSON.stringify(cell, (_key, value: unknown) =>
    typeof value === 'bigint' ? exact(value) : value instanceof Uint8Array ? plain(value) : value,
  )
  return written ?? ''
}

/** A number where it is exact as one. */
function exact(value: bigint): number | string {
  return value >= Number.MIN_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER ? Number(value) : String(value)
}
