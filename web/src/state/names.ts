/** Addresses of the portal's pages. */

export function experimentPath(experiment: string): string {
  return `/experiments/${encodeURIComponent(experiment)}`
}

export function runPath(experiment: string, runId: string, tab?: string): string {
  const path = `${experimentPath(experiment)}/runs/${encodeURIComponent(runId)}`
  return tab ? `${path}?tab=${encodeURIComponent(tab)}` : path
}

export function comparePath(runIds: readonly string[]): string {
  return `/compare?runs=${runIds.map(encodeURIComponent).join(',')}`
}

export function modelPath(name: string): string {
  return `/models/${encodeURIComponent(name)}`
}
