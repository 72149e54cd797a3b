import { Table, UnstyledButton } from '@mantine/core'
import { type Order, orderBy } from '../state/order'
import { Icon } from './Icon'
import classes from './SortHead.module.css'

interface Props {
  /** What the table is then sorted by. */
  readonly by: string
  readonly label: string
  readonly order: Order
  readonly onOrder: (order: Order) => void
  /** Whether the greatest comes first when it is pressed for the first time. */
  readonly fallsFirst?: boolean
  readonly className?: string | undefined
}

/** The head of a column that sorts a table. */
export function SortHead({ by, label, order, onOrder, fallsFirst = false, className }: Props) {
  const isSorted = order.by === by
  return (
    <Table.Th className={className} aria-sort={isSorted ? (order.descending ? 'descending' : 'ascending') : undefined}>
      <UnstyledButton className={classes.sort} onClick={() => onOrder(orderBy(order, by, fallsFirst))}>
        <span>{label}</span>
        {isSorted && <Icon name={order.descending ? 'down' : 'up'} size={14} />}
      </UnstyledButton>
    </Table.Th>
  )
}
