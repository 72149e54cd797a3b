import type { Order } from '../../state/order'
import type { ModelEntry } from './requests'

/** Models by name, number of versions, size or time; those that are equal stay as they are. */
export function sortModels(models: readonly ModelEntry[], { by, descending }: Order): readonly ModelEntry[] {
  const way = descending ? -1 : 1
  const compare = new Intl.Collator('en', { numeric: true }).compare
  return [...models].sort((a, b) => {
    if (by === 'versions') return way * (a.versions - b.versions)
    if (by === 'bytes') return way * (a.latest.bytes - b.latest.bytes)
    if (by === 'created')
      return way * (a.latest.created < b.latest.created ? -1 : Number(a.latest.created > b.latest.created))
    return way * compare(a.name, b.name)
  })
}
