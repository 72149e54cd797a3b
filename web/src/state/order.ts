/** What a table is sorted by, as addresses hold it: "name", or "-created" for the greatest first. */
export interface Order {
  readonly by: string
  readonly descending: boolean
}

/** `usual`: the order where the address tells none. */
export function parseOrder(text: string | null, usual: string): Order {
  const order = text || usual
  return order.startsWith('-') ? { by: order.slice(1), descending: true } : { by: order, descending: false }
}

/** For the address; null for the usual order. */
export function formatOrder({ by, descending }: Order, usual: string): string | null {
  const order = `${descending ? '-' : ''}${by}`
  return order === usual ? null : order
}

/** The order when the head of a column is pressed: the other way round, or by it for the first time. */
export function orderBy(order: Order, by: string, fallsFirst: boolean): Order {
  return { by, descending: order.by === by ? !order.descending : fallsFirst }
}
