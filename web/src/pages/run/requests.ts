/** What the run's page asks for besides the run itself. */

import { apiUrl, filePath, get, path, request, send } from '../../api/http'
import type { RunPage, Tags } from '../../api/types'
import type { LogPart } from './logs/log_reader'

export interface FileEntry {
  readonly name: string
  readonly size: number
  readonly content_type: string
  readonly created: string
  /** Collected from the working directory; the script has not uploaded it itself. */
  readonly captured: boolean
  readonly digest: string
}

export interface LogEntry {
  readonly name: string
  readonly size: number
  readonly live: boolean
}

export interface FileList {
  readonly files: readonly FileEntry[]
  readonly live: readonly LogEntry[]
  readonly total: number
  readonly total_size: number
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

const MOST_FILES = 100_000

export function listFiles(runId: string, signal: AbortSignal): Promise<FileList> {
  return get(path`/runs/${runId}/files`, { recursive: true, limit: MOST_FILES }, signal)
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

interface Following {
  readonly onGrown: (start: number, bytes: Uint8Array) => void
  /** Another log has taken its place: what comes now begins anew. */
  readonly onReplaced: () => void
  readonly onEnd: () => void
}

/** Calls back for what a log grows by, until its run has ended or the returned function is called. */
export function followLog(runId: string, name: string, start: number, following: Following): () => void {
  let expected = start
  const source = new EventSource(apiUrl(`${logPath(runId, name)}/follow`, { start }))
  source.onmessage = (event: MessageEvent<string>) => {
    const step = JSON.parse(event.data) as { readonly start: number; readonly text: string }
    const bytes = Uint8Array.from(atob(step.text), (letter) => letter.charCodeAt(0))
    if (step.start < expected) following.onReplaced()
    expected = step.start + bytes.length
    following.onGrown(step.start, bytes)
  }
  source.addEventListener('end', () => {
    source.close()
    following.onEnd()
  })
  return () => source.close()
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
