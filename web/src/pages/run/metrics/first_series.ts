import { metricsQuery, queryClient } from '../../../api/queries'
import { arrange } from './arrange'
import { heightOf, readSettings } from './settings'
import { lineWanted, seriesQuery, windowWanted } from './use_lines'

/** As many cards as a window of usual size shows at once. */
const FIRST = 9
/** What changes which points are wanted, or which cards come first, in ways that only the page knows. */
const OTHERWISE = ['zoom', 'large', 'closed']

/** Asks for the lines of the first screen, so that they are on their way while its code is. */
export async function askFirst(runId: string, get: (name: string) => string | null): Promise<void> {
  if (OTHERWISE.some((name) => get(name) !== null)) return
  const { metrics } = await queryClient.ensureQueryData(metricsQuery(runId))
  const settings = readSettings(get)
  const cards = arrange(metrics, get('find') ?? '')
    .flatMap((group) => group.cards)
    .filter((card) => card.kind !== 'tile')
  const window = windowWanted(settings.x, heightOf(settings.size, cards.length), null)
  for (const { kind, metric } of cards.slice(0, FIRST)) {
    if (kind === 'line') void queryClient.prefetchQuery(seriesQuery(lineWanted(runId, metric), window))
  }
}
