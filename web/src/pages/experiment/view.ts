import { useMemo } from 'react'
import type { RunColumns } from '../../api/types'
import { type Address, useAddress } from '../../state/address'
import { defaultColumns } from './columns'

/** What of the experiment's page its address holds. */
export interface RunsView {
  readonly filter: string
  /** The key of the column that runs are sorted by. */
  readonly sort: string
  readonly descending: boolean
  readonly columns: readonly string[]
  /** The column that runs are grouped by; '' for none. */
  readonly group: string
  /** The value of the group that is open, as JSON; null for all runs. */
  readonly inGroup: string | null
  readonly children: boolean
  readonly archived: boolean
  /** Metrics of the charts beside the table; null where there is no panel. */
  readonly charts: readonly string[] | null
  /** Whether metric columns have small charts. */
  readonly sparklines: boolean
}

export const DEFAULT_SORT = 'created'

export function parseSort(text: string | null): { sort: string; descending: boolean } {
  if (!text) return { sort: DEFAULT_SORT, descending: true }
  return text.startsWith('-') ? { sort: text.slice(1), descending: true } : { sort: text, descending: false }
}

/** The address parameter for an order; null for the default one. */
export function formatSort(sort: string, descending: boolean): string | null {
  return sort === DEFAULT_SORT && descending ? null : `${descending ? '-' : ''}${sort}`
}

export function useRunsView(known: RunColumns | undefined): { readonly view: RunsView; readonly address: Address } {
  const address = useAddress()
  const view = useMemo<RunsView>(() => {
    const columns = address.list('columns')
    const chart = address.get('chart')
    return {
      filter: address.get('filter') ?? '',
      ...parseSort(address.get('sort')),
      columns: columns.length > 0 ? columns : defaultColumns(known),
      group: address.get('group') ?? '',
      inGroup: address.get('in'),
      children: address.get('children') === 'true',
      archived: address.get('archived') === 'true',
      charts: chart === null ? null : chart === 'auto' ? [] : address.list('chart'),
      sparklines: address.get('sparklines') !== 'false',
    }
  }, [address, known])
  return { view, address }
}
