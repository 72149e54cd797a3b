/** What the run's page asks for besides the run itself. */

import { queryOptions } from '@tanstack/react-query'
import { apiUrl, filePath, get, path, request, send } from '../../api/http'
import type { RunPage, Tags } from '../../api/types'
import { follow } from '../../live/connection'
import type { LogPart } from './logs/log_reader'

/** All files of a run, as columns of one length, by name. */
export interface FileNames {
  readonly names: readonly string[]
  readonly sizes: readonly number[]
  /** The beginnings of the contents' digests: they tell contents of one name apart. */
  readonly digests: readonly string[]
}

export interface LogEntry {
  readonly name: string
  readonly size: number
  readonly live: boolean
}

export interface FilePreview {
  readonly kind: 'text' | 'json' | 'table' | 'image' | 'pdf' | 'binary'
  readonly name: string
  readonly size: number
  readonly content_type: string
  readonly digest: string
  readonly url: string
  readonly truncated: boolean
  readonly text: string | null
  readonly encoding: string | null
  readonly columns: readonly string[] | null
  readonly types: readonly string[] | null
  readonly rows: readonly (readonly string[])[] | null
  readonly total_rows: number | null
  readonly note: string | null
}

export interface LogMatch {
  readonly start: number
  readonly line_start: number
  readonly text: string
}

export interface LogMatches {
  readonly matches: readonly LogMatch[]
  /** Where to go on; null at the log's end. */
  readonly next_start: number | null
  readonly scanned_to: number
}

export interface SnapshotFile {
  readonly name: string
  readonly size: number
  readonly digest: string
  readonly executable: boolean
}

export interface Snapshot {
  readonly id: string
  readonly files: readonly SnapshotFile[]
  readonly total: number
  readonly bytes: number
  readonly created: string
}

export interface SnapshotDiff {
  readonly added: readonly string[]
  readonly removed: readonly string[]
  readonly changed: readonly string[]
}

/** So many steps done of so many, as the run's script says. */
export interface Progress {
  readonly done: number
  readonly total: number
  readonly updated: string
  /** At the speed so far; null where that cannot be told, and once the run has ended. */
  readonly remaining_s: number | null
}

export interface RunChanges {
  readonly display_name?: string
  readonly description?: string
  readonly set_tags?: Tags
  readonly remove_tags?: readonly string[]
  readonly archived?: boolean
}

export function changeRun(runId: string, changes: RunChanges): Promise<unknown> {
  return send('PATCH', path`/runs/${runId}`, changes)
}

/** Its key is one of those that are asked again when metrics come: progress comes as they do. */
export function progressQuery(runId: string) {
  return queryOptions({
    queryKey: ['run', runId, 'metrics', 'how far'],
    queryFn: ({ signal }) => get<{ readonly progress: Progress | null }>(path`/runs/${runId}/progress`, {}, signal),
  })
}

export function listFiles(runId: string, signal: AbortSignal): Promise<FileNames> {
  return get(path`/runs/${runId}/file-names`, {}, signal)
}

export function listLogs(runId: string, signal: AbortSignal): Promise<{ readonly logs: readonly LogEntry[] }> {
  return get(path`/runs/${runId}/logs`, {}, signal)
}

/** Where a file is; `download` has it saved whatever its type. */
export function fileAddress(runId: string, name: string, download: boolean): string {
  return apiUrl(`${path`/runs/${runId}/files/`}${filePath(name)}`, download ? { download } : {})
}

export function archiveAddress(runId: string, prefix: string): string {
  return apiUrl(path`/runs/${runId}/archive`, { prefix })
}

export function previewOfFile(runId: string, name: string, signal: AbortSignal): Promise<FilePreview> {
  return get(`${path`/runs/${runId}/preview/`}${filePath(name)}`, {}, signal)
}

function logPath(runId: string, name: string): string {
  return `${path`/runs/${runId}/logs/`}${filePath(name)}`
}

/** Bytes of a log from `start`, at most `length`. */
export async function readLogPart(
  runId: string,
  name: string,
  start: number,
  length: number,
  signal: AbortSignal,
): Promise<LogPart> {
  const response = await request(apiUrl(logPath(runId, name), { start, length }), { signal })
  const bytes = new Uint8Array(await response.arrayBuffer())
  return {
    start: Number(response.headers.get('X-Start') ?? start),
    bytes,
    size: Number(response.headers.get('X-Size') ?? start + bytes.length),
  }
}

export function searchLog(
  runId: string,
  name: string,
  text: string,
  start: number,
  limit: number,
  signal: AbortSignal,
): Promise<LogMatches> {
  return get(`${logPath(runId, name)}/search`, { q: text, start, limit }, signal)
}

export interface LogLine {
  /** From 1. */
  readonly number: number
  /** The byte at which it begins. */
  readonly start: number
}

/** The line with a number, or the one that holds a byte; the last one where there are not so many. */
export function findLine(
  runId: string,
  name: string,
  wanted: { readonly number: number } | { readonly byte: number },
  signal?: AbortSignal,
): Promise<LogLine> {
  return get(`${logPath(runId, name)}/line`, { ...wanted }, signal)
}

interface Following {
  readonly onGrown: (start: number, bytes: Uint8Array) => void
  /** Another log has taken its place: what comes now begins anew. */
  readonly onReplaced: () => void
  readonly onEnd: () => void
}

/** Calls back for what a log grows by, until its run has ended or the returned function is called. */
export function followLog(runId: string, name: string, start: number, following: Following): () => void {
  let expected = start
  return follow(runId, name, start, {
    onPart: (at, bytes) => {
      if (at < expected) following.onReplaced()
      expected = at + bytes.length
      following.onGrown(at, bytes)
    },
    onEnd: following.onEnd,
  })
}

export function readSnapshot(id: string, signal: AbortSignal): Promise<Snapshot> {
  return get(path`/snapshots/${id}`, {}, signal)
}

export function snapshotZipAddress(id: string): string {
  return apiUrl(path`/snapshots/${id}/zip`)
}

export function snapshotFileAddress(id: string, name: string, download: boolean): string {
  return apiUrl(`${path`/snapshots/${id}/files/`}${filePath(name)}`, download ? { download } : {})
}

export function previewOfSource(id: string, name: string, signal: AbortSignal): Promise<FilePreview> {
  return get(`${path`/snapshots/${id}/preview/`}${filePath(name)}`, {}, signal)
}

export function diffSnapshots(before: string, after: string, signal: AbortSignal): Promise<SnapshotDiff> {
  return get(path`/snapshots/${before}/diff/${after}`, {}, signal)
}

/** A unified diff of one file; empty where it is the same. */
export async function diffOfFile(before: string, after: string, name: string, signal: AbortSignal): Promise<string> {
  const response = await request(apiUrl(`${path`/snapshots/${before}/diff/${after}/`}${filePath(name)}`), { signal })
  return response.text()
}

export function listRuns(
  experiment: string,
  options: { readonly limit: number; readonly filter?: string },
  signal: AbortSignal,
): Promise<RunPage> {
  return get('/runs', { experiment, children: true, ...options }, signal)
}

export function listChildren(
  runId: string,
  columns: string,
  cursor: string | null,
  signal: AbortSignal,
): Promise<RunPage> {
  const order = { order_by: 'created', descending: false, archived: false }
  return get('/runs', { parent: runId, children: true, columns, cursor, limit: 200, ...order }, signal)
}

/** The trials of a sweep, best first; up to a thousand. */
export function listTrials(
  runId: string,
  columns: readonly string[],
  { column, maximize }: { readonly column: string; readonly maximize: boolean },
  signal: AbortSignal,
): Promise<RunPage> {
  const asked = columns.map((each) => each.replaceAll('%', '%25').replaceAll(',', '%2C')).join(',')
  const order = { order_by: column, descending: maximize, archived: false }
  return get('/runs', { parent: runId, children: true, columns: asked, limit: 1000, ...order }, signal)
}

/** Where all points of a metric are to be had as CSV, of one run or of several. */
export function csvAddress(runIds: readonly string[], name: string, namespace = ''): string {
  const runs = runIds.map((id) => `run_id=${encodeURIComponent(id)}`).join('&')
  return `${apiUrl('/metrics/csv', { name, namespace })}&${runs}`
}
