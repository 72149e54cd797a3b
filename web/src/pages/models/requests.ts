import { queryOptions } from '@tanstack/react-query'
import { apiUrl, filePath, get, path } from '../../api/http'
import type { Tags } from '../../api/types'

export interface ModelFile {
  readonly name: string
  readonly size: number
  readonly digest: string
  readonly content_type: string
}

export interface ModelVersion {
  readonly name: string
  readonly version: number
  readonly run_id: string | null
  readonly experiment: string | null
  readonly description: string
  readonly framework: string | null
  readonly framework_version: string | null
  readonly path: string
  readonly tags: Tags
  readonly properties: Readonly<Record<string, string>>
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

const MOST = 1000

export function modelsQuery(search: string) {
  return queryOptions({
    queryKey: ['models', search],
    queryFn: ({ signal }) => get<ModelList>('/models', { search, limit: MOST }, signal),
  })
}

export function modelQuery(name: string) {
  return queryOptions({
    queryKey: ['models', 'one', name],
    queryFn: ({ signal }) => get<Model>(path`/models/${name}`, { limit: MOST }, signal),
  })
}

export function versionQuery(name: string, version: number) {
  return queryOptions({
    queryKey: ['models', 'one', name, version],
    queryFn: ({ signal }) => get<ModelVersion>(path`/models/${name}/versions/${String(version)}`, {}, signal),
  })
}

export function modelZipAddress(name: string, version: number): string {
  return apiUrl(path`/models/${name}/versions/${String(version)}/zip`)
}

export function modelFileAddress(name: string, version: number, file: string): string {
  return apiUrl(`${path`/models/${name}/versions/${String(version)}/files/`}${filePath(file)}`, { download: true })
}
