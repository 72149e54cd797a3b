import type { RunDetail } from '../../api/types'
import { type Later, later } from '../../parts/later'
import { primaryOf } from './trials/trials_of'

interface Tab {
  readonly name: string
  readonly label: string
  readonly Page: Later<{ readonly run: RunDetail }>
  /** Whether a run has it; every run where that is not told. */
  readonly isOf?: (run: RunDetail) => boolean
}

/** The tabs of a run, by their names in the address. */
export const TABS: readonly Tab[] = [
  { name: 'details', label: 'Details', Page: later('the details', () => import('./details')) },
  { name: 'metrics', label: 'Metrics', Page: later('the metrics', () => import('./metrics')) },
  { name: 'images', label: 'Images', Page: later('the images', () => import('./images')) },
  {
    name: 'trials',
    label: 'Trials',
    Page: later('the trials', () => import('./trials')),
    isOf: (run) => primaryOf(run) !== null,
  },
  { name: 'children', label: 'Child runs', Page: later('the child runs', () => import('./children')) },
  { name: 'files', label: 'Outputs + logs', Page: later('the files', () => import('./files')) },
  { name: 'snapshot', label: 'Snapshot', Page: later('the snapshot', () => import('./snapshot')) },
  { name: 'monitoring', label: 'Monitoring', Page: later('the measures', () => import('./monitoring')) },
]

/** The tabs that a run has. */
export function tabsOf(run: RunDetail): readonly Tab[] {
  return TABS.filter(({ isOf }) => isOf?.(run) ?? true)
}

/** The tab that an address names, or the first. */
export function tabNamed(name: string | null): string {
  return TABS.find((tab) => tab.name === name)?.name ?? 'details'
}
