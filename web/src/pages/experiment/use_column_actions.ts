import { useMemo } from 'react'
import type { Address } from '../../state/address'
import { formatOrder, orderBy } from '../../state/order'
import { fallsFirst, formatWidths, moved, placed, withWidth } from './columns'
import type { ColumnActions } from './HeadCell'
import { type RunsView, USUAL_ORDER } from './view'

/** What heads of columns ask for, as changes of the address. */
export function useColumnActions(view: RunsView, address: Address): ColumnActions {
  return useMemo(() => {
    const { columns, widths } = view
    return {
      onSort: (column, descending) => {
        const next =
          descending === undefined ? orderBy(view.order, column, fallsFirst(column)) : { by: column, descending }
        address.set({ sort: formatOrder(next, USUAL_ORDER) })
      },
      onMove: (column, by) => address.set({ columns: moved(columns, column, by) }),
      onPlace: (column, before) => address.set({ columns: placed(columns, column, columns.indexOf(before)) }),
      onWidth: (column, width) => address.set({ widths: formatWidths(withWidth(widths, column, width)) }),
      onReplace: (column, by) => {
        const next = columns.map((each) => (each === column ? by : each))
        const width = widths.get(column)
        address.set({
          columns: [...new Set(next)],
          ...(width === undefined
            ? {}
            : { widths: formatWidths(withWidth(withWidth(widths, column, null), by, width)) }),
          // The order goes with the column.
          ...(view.order.by === column ? { sort: formatOrder({ ...view.order, by }, USUAL_ORDER) } : {}),
        })
      },
      onHide: (column) => address.set({ columns: columns.filter((each) => each !== column) }),
      onGroup: (column) => address.set({ group: column, in: null }, { push: true }),
    }
  }, [view, address])
}
