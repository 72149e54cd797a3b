import { queryOptions } from '@tanstack/react-query'
import { apiUrl, filePath, get, path, send } from '../../api/http'
import type { Tags } from '../../api/types'

export interface ModelFile {
  readonly name: string
  readonly size: number
  readonly digest: string
  readonly content_type: string
}

/** The run that a model comes from. */
export interface SourceRunFacts {
  readonly number: number
  readonly name: string | null
  readonly experiment: string
}

export interface ModelVersion {
  readonly name: string
  readonly version: number
  readonly run_id: string | null
  /** Null where it comes from none, or from one that was deleted. */
  readonly run: SourceRunFacts | null
  readonly experiment: string | null
  readonly description: string
  readonly framework: string | null
  readonly framework_version: string | null
  readonly path: string
  readonly tags: Tags
  readonly properties: Readonly<Record<string, string>>
  /** Names that mean this version now. */
  readonly aliases: readonly string[]
  readonly created: string
  readonly updated: string
  /** The first hundred where many models are listed. */
  readonly files: readonly ModelFile[]
  readonly files_total: number
  readonly bytes: number
}

export interface ModelEntry {
  readonly name: string
  readonly versions: number
  readonly latest: ModelVersion
  /** Name -> the version that it means. */
  readonly aliases: Readonly<Record<string, number>>
}

interface ModelList {
  readonly models: readonly ModelEntry[]
  readonly total: number
}

interface Model {
  readonly name: string
  readonly versions: readonly ModelVersion[]
  readonly total: number
}

/** What is to be changed of a version; what is not given stays. */
export interface ModelChanges {
  readonly description?: string
  readonly set_tags?: Tags
  readonly remove_tags?: readonly string[]
  readonly set_aliases?: readonly string[]
  readonly remove_aliases?: readonly string[]
}

const MOST = 1000
/** Nothing tells of new models: so soon they are seen (ms). */
const LOOK_AGAIN = 10_000

export function modelsQuery(search: string) {
  return queryOptions({
    queryKey: ['models', search],
    queryFn: ({ signal }) => get<ModelList>('/models', { search, limit: MOST }, signal),
    refetchInterval: LOOK_AGAIN,
  })
}

export function modelQuery(name: string) {
  return queryOptions({
    queryKey: ['models', 'one', name],
    queryFn: ({ signal }) => get<Model>(path`/models/${name}`, { limit: MOST }, signal),
    refetchInterval: LOOK_AGAIN,
  })
}

export function versionQuery(name: string, version: number) {
  return queryOptions({
    queryKey: ['models', 'one', name, version],
    queryFn: ({ signal }) => get<ModelVersion>(path`/models/${name}/versions/${String(version)}`, {}, signal),
  })
}

export function changeVersion(name: string, version: number, changes: ModelChanges): Promise<ModelVersion> {
  return send('PATCH', path`/models/${name}/versions/${String(version)}`, changes)
}

export function modelZipAddress(name: string, version: number): string {
  return apiUrl(path`/models/${name}/versions/${String(version)}/zip`)
}

export function modelFileAddress(name: string, version: number, file: string): string {
  return apiUrl(`${path`/models/${name}/versions/${String(version)}/files/`}${filePath(file)}`, { download: true })
}
