import { formatDuration, formatNumber } from '../../../parts/format'

/** "40 of 100, about 3 min 20 s left". */
export function progressWords(done: number, total: number, left: number | null): string {
  const said = `${formatNumber(done)} of ${formatNumber(total)}`
  if (left === null || done >= total) return said
  if (left < 1) return `${said}, almost done`
  // Whole seconds only: it is a guess.
  return `${said}, about ${formatDuration(Math.round(left)).replace(/\.0 s$/, ' s')} left`
}
