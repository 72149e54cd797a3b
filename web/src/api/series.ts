import { ApiError, apiUrl, request } from './http'

/** Series of many runs and metrics in one request, as the API packs them. */

export interface SeriesName {
  readonly run_id: string
  readonly name: string
  readonly namespace?: string
  readonly column?: string
  /** Of tables: the column that x is. */
  readonly x_column?: string
}

export type SeriesX = 'step' | 'time' | 'relative'

export interface SeriesRequest {
  readonly series: readonly SeriesName[]
  readonly x: SeriesX
  readonly from?: number
  readonly to?: number
  /** The most points of a series that come back; more are told by bands. */
  readonly points?: number
}

export interface Series {
  readonly run_id: string
  readonly name: string
  readonly column: string | null
  /** How many points the window has; `x.length` of them are here. */
  readonly total: number
  /** Whether all points of the window are here. */
  readonly exact: boolean
  readonly x: Float64Array
  /** NaN is a gap. */
  readonly y: Float64Array
  /** The lowest and highest value around each point; null where the series is exact. */
  readonly min: Float64Array | null
  readonly max: Float64Array | null
  /** Whatever else the answer tells of the series. */
  readonly told: Readonly<Record<string, unknown>>
}

export const SERIES_TYPE = 'application/vnd.milepost.series'

const MAGIC = 0x3153504d // "MPS1"
const HEADER_BYTES = 8

interface Told extends Record<string, unknown> {
  readonly run_id: string
  readonly name: string
  readonly column?: string | null
  readonly count: number
  readonly total: number
  readonly exact: boolean
}

/** The arrays are views into the answer: nothing is copied. Raises ApiError for bytes that are no series. */
export function decodeSeries(buffer: ArrayBuffer): Series[] {
  const view = new DataView(buffer)
  if (buffer.byteLength < HEADER_BYTES || view.getUint32(0, true) !== MAGIC) throw wrong()
  const jsonBytes = view.getUint32(4, true)
  if (HEADER_BYTES + jsonBytes > buffer.byteLength) throw wrong()
  const json: unknown = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, HEADER_BYTES, jsonBytes)))
  const list = (json as { readonly series: readonly Told[] }).series
  let at = Math.ceil((HEADER_BYTES + jsonBytes) / 8) * 8
  const take = (count: number): Float64Array => {
    if (at + count * 8 > buffer.byteLength) throw wrong()
    const values = new Float64Array(buffer, at, count)
    at += count * 8
    return values
  }
  return list.map((told) => {
    const x = take(told.count)
    const y = take(told.count)
    return {
      run_id: told.run_id,
      name: told.name,
      column: told.column ?? null,
      total: told.total,
      exact: told.exact,
      x,
      y,
      min: told.exact ? null : take(told.count),
      max: told.exact ? null : take(told.count),
      told,
    }
  })
}

function wrong(): ApiError {
  return new ApiError(0, 'bad_series', 'the portal sent bytes that are no series; reload the page')
}

/** Up to 500 series, in the order of the request. */
export async function fetchSeries(wanted: SeriesRequest, signal?: AbortSignal): Promise<Series[]> {
  const response = await request(apiUrl('/metrics/series'), {
    method: 'POST',
    signal,
    headers: { 'Content-Type': 'application/json', Accept: SERIES_TYPE },
    body: JSON.stringify(wanted),
  })
  return decodeSeries(await response.arrayBuffer())
}
