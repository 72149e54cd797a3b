/** An image that a run has logged, as the API tells it. */
export interface ImageEntry {
  readonly metric: string
  readonly step: number | string
  readonly time: string
  readonly artifact: string | null
  readonly url: string | null
  readonly content_type: string | null
  readonly size: number | null
  readonly shown: boolean
}

/** One run's images of a metric. */
export interface RunImages {
  readonly runId: string
  readonly label: string
  readonly images: readonly ImageEntry[]
}

/** The images by metric, in order of first logging; within one in order of steps, as they come. */
export function byMetric(images: readonly ImageEntry[]): ReadonlyMap<string, readonly ImageEntry[]> {
  const found = new Map<string, ImageEntry[]>()
  for (const image of images) {
    const list = found.get(image.metric)
    if (list) list.push(image)
    else found.set(image.metric, [image])
  }
  return found
}

/** All steps that the runs have, ascending, each once. */
export function stepsOf(lists: readonly (readonly ImageEntry[])[]): number[] {
  return [...new Set(lists.flatMap((list) => list.map((image) => Number(image.step))))].sort((a, b) => a - b)
}

/**
 * The image that a run shows at a step (the last of all where that is null): its own of that step, or its last one
 * before; else its first.
 */
export function imageAt(images: readonly ImageEntry[], step: number | null): ImageEntry | null {
  if (step === null) return images.at(-1) ?? null
  let found = images[0] ?? null
  for (const image of images) {
    if (Number(image.step) <= step) found = image
  }
  return found
}

/** A step in the address; null for the last one. */
export function readStep(text: string | null): number | null {
  const step = text === null || text === '' ? Number.NaN : Number(text)
  return Number.isFinite(step) ? step : null
}
