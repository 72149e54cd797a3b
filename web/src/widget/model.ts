import { useCallback, useSyncExternalStore } from 'react'
import type { Metric, RunDetail, RunRow, Value } from '../api/types'
import type { ImageEntry } from '../pages/run/images/steps'
import type { LogEntry } from '../pages/run/requests'

/** What anywidget gives: the model that the kernel keeps, as far as the widget uses it. */
export interface WidgetModel {
  get(name: string): unknown
  on(event: string, listener: (...args: never[]) => void): void
  off(event: string, listener: (...args: never[]) => void): void
  send(content: unknown, callbacks?: unknown, buffers?: readonly ArrayBuffer[]): void
}

/** How far a run has come, as its script says. */
export interface Progress {
  readonly done: number
  readonly total: number
  readonly updated: string
  readonly remaining_s: number | null
}

export interface RunPart {
  readonly run: RunDetail
  readonly progress: Progress | null
}

export interface MetricsPart {
  readonly metrics: readonly Metric[]
  readonly total: number
}

export interface TablePage {
  readonly columns: readonly string[]
  readonly rows: readonly (readonly Value[])[]
  readonly total: number
}

export interface TextsPage {
  readonly values: readonly Value[]
  readonly total: number
}

/** What metrics hold that are no lines, by name. */
export interface ValuesPart {
  readonly tables: Readonly<Record<string, TablePage>>
  readonly texts: Readonly<Record<string, TextsPage>>
  readonly structured: Readonly<Record<string, unknown>>
}

export interface ImagesPart {
  readonly images: readonly ImageEntry[]
  readonly total: number
  /** The files that came along, by name. */
  readonly pictures: Readonly<Record<string, DataView>>
}

export interface LogsPart {
  readonly logs: readonly LogEntry[]
  readonly name: string | null
  readonly start: number
  readonly size: number
  readonly live: boolean
  readonly data: DataView
}

export interface Primary {
  readonly name: string
  readonly goal: 'maximize' | 'minimize'
  /** The column that tells each child's best value. */
  readonly column: string
}

export interface ChildrenPart {
  readonly rows: readonly RunRow[]
  readonly total: number
  readonly columns: readonly string[]
  readonly primary: Primary | null
}

/** The trials of a sweep, by columns of the same length, the best first. */
export interface TrialsPart {
  readonly primary: { readonly name: string; readonly goal: 'maximize' | 'minimize' }
  readonly total: number
  readonly ids: readonly string[]
  readonly numbers: readonly number[]
  readonly names: readonly (string | null)[]
  readonly values: readonly (number | null)[]
  readonly parameters: Readonly<Record<string, readonly Value[]>>
}

/** What is told of the kernel's side. */
export interface Told {
  readonly trouble?: string | null
  readonly ended?: boolean
  /** Seconds since 1970 of the last look. */
  readonly looked?: number
  /** The address of the run's page in the portal. */
  readonly portal?: string | null
}

export interface Parts {
  readonly run: RunPart
  readonly metrics: MetricsPart
  readonly series: DataView
  readonly values: ValuesPart
  readonly images: ImagesPart
  readonly logs: LogsPart
  readonly children: ChildrenPart
  readonly trials: TrialsPart
  readonly told: Told
}

/** A part as it is now; null until it has come. */
export function usePart<Name extends keyof Parts>(model: WidgetModel, name: Name): Parts[Name] | null {
  const subscribe = useCallback(
    (changed: () => void) => {
      model.on(`change:${name}`, changed)
      return () => model.off(`change:${name}`, changed)
    },
    [model, name],
  )
  const value = useSyncExternalStore(subscribe, () => model.get(name)) as Parts[Name] | null | undefined
  if (!value) return null
  if (value instanceof DataView) return value.byteLength > 0 ? value : null
  return Object.keys(value).length > 0 ? value : null
}

/** The bytes of a view, at a place of their own: arrays of numbers need one. */
export function bytesOf(view: DataView): Uint8Array {
  return new Uint8Array(view.buffer, view.byteOffset, view.byteLength)
}
