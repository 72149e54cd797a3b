import { queryClient } from '../../api/queries'
import { splitList } from '../../state/address'
import { overlayQuery, readSpan, readX } from './overlay_query'
import { MOST_DRAWN } from './use_drawn'

/** Asks for the lines beside the table where the address says which, so that they are on their way while its code is. */
export function askOverlay(get: (name: string) => string | null): void {
  const chart = get('chart')
  if (chart === null) return
  void import('./ChartsPanel').catch(() => undefined) // the page itself tells what it cannot have
  const chosen = splitList(get('chosen')).slice(0, MOST_DRAWN)
  if (chart === 'auto' || chosen.length === 0) return
  void queryClient.prefetchQuery(overlayQuery(splitList(chart), chosen, readX(get('x')), readSpan(get('window'))))
}
