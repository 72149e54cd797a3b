import { useMemo } from 'react'
import type { RunColumns } from '../../api/types'
import { type Address, useAddress } from '../../state/address'
import { type Order, parseOrder } from '../../state/order'
import { defaultColumns, parseWidths, type Widths } from './columns'

/** What of the experiment's page its address holds. */
export interface RunsView {
  readonly filter: string
  /** By the key of a column. */
  readonly order: Order
  readonly columns: readonly string[]
  readonly widths: Widths
  /** The column that runs are grouped by; '' for none. */
  readonly group: string
  readonly groupOrder: Order
  /** The value of the group that is open, as JSON; null for all runs. */
  readonly inGroup: string | null
  readonly children: boolean
  readonly archived: boolean
  /** Metrics of the charts beside the table; null where there is no panel. */
  readonly charts: readonly string[] | null
  /** Whether metric columns have small charts. */
  readonly sparklines: boolean
}

/** Newest first. */
export const USUAL_ORDER = '-created'
/** The largest group first. */
export const USUAL_GROUP_ORDER = '-runs'

export function useRunsView(known: RunColumns | undefined): { readonly view: RunsView; readonly address: Address } {
  const address = useAddress()
  const view = useMemo<RunsView>(() => {
    const columns = address.list('columns')
    const chart = address.get('chart')
    return {
      filter: address.get('filter') ?? '',
      order: parseOrder(address.get('sort'), USUAL_ORDER),
      columns: columns.length > 0 ? columns : defaultColumns(known),
      widths: parseWidths(address.list('widths')),
      group: address.get('group') ?? '',
      groupOrder: parseOrder(address.get('groupsort'), USUAL_GROUP_ORDER),
      inGroup: address.get('in'),
      children: address.get('children') === 'true',
      archived: address.get('archived') === 'true',
      charts: chart === null ? null : chart === 'auto' ? [] : address.list('chart'),
      sparklines: address.get('sparklines') !== 'false',
    }
  }, [address, known])
  return { view, address }
}
