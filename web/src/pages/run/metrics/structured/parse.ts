/** What structured metrics hold. They were logged by anyone: each part is looked at before it is drawn. */

type Data = Readonly<Record<string, unknown>>

export interface ConfusionMatrix {
  readonly labels: readonly string[]
  /** Counts: a row for each true class, a column for each predicted one. */
  readonly matrix: readonly (readonly number[])[]
}

/** Points of one class's curve, by threshold. */
export interface ClassCurve {
  readonly label: string
  readonly falsePositive: readonly number[]
  readonly truePositive: readonly number[]
  readonly precision: readonly number[]
  /** Area under the ROC curve, by trapezoids. */
  readonly area: number
}

export interface Residuals {
  readonly edges: readonly number[]
  readonly counts: readonly number[]
}

export interface Predictions {
  readonly averages: readonly number[]
  readonly errors: readonly number[]
  readonly counts: readonly number[]
  readonly edges: readonly number[]
}

function numbers(value: unknown): number[] | null {
  return Array.isArray(value) && value.every((each) => typeof each === 'number') ? value : null
}

/** The part "data" of a structured metric; of one logged several times, the last. */
export function dataOf(content: unknown): Data | null {
  const last: unknown = Array.isArray(content) ? content.at(-1) : content
  const data: unknown = typeof last === 'object' && last !== null && 'data' in last ? last.data : null
  return typeof data === 'object' && data !== null && !Array.isArray(data) ? (data as Data) : null
}

export function confusionMatrix(data: Data): ConfusionMatrix | null {
  const matrix = Array.isArray(data.matrix) ? data.matrix.map(numbers) : []
  const size = matrix.length
  if (size === 0 || !matrix.every((row): row is number[] => row !== null && row.length === size)) return null
  const labels = Array.isArray(data.class_labels) ? data.class_labels.map(String) : []
  return { matrix, labels: matrix.map((_, at) => labels[at] ?? String(at)) }
}

/** Curves of each class from counts (TP, FP, TN, FN) at thresholds. */
export function classCurves(data: Data): ClassCurve[] | null {
  const tables = data.probability_tables ?? data.percentile_tables
  if (!Array.isArray(tables) || tables.length === 0) return null
  const labels = Array.isArray(data.class_labels) ? data.class_labels.map(String) : []
  const curves: ClassCurve[] = []
  for (const [at, table] of tables.entries()) {
    const rows: (number[] | null)[] = Array.isArray(table) ? table.map(numbers) : []
    if (rows.length === 0 || rows.some((row) => row === null || row.length < 4)) return null
    const points = rows.map((row) => {
      const [tp = 0, fp = 0, tn = 0, fn = 0] = row ?? []
      return { x: share(fp, fp + tn, 0), y: share(tp, tp + fn, 0), precision: share(tp, tp + fp, 1) }
    })
    points.sort((a, b) => a.x - b.x || a.y - b.y)
    let area = 0
    let [lastX, lastY] = [0, 0]
    for (const { x, y } of [...points, { x: 1, y: 1 }]) {
      area += ((x - lastX) * (y + lastY)) / 2
      lastX = x
      lastY = y
    }
    curves.push({
      label: labels[at] ?? String(at),
      falsePositive: points.map(({ x }) => x),
      truePositive: points.map(({ y }) => y),
      precision: points.map(({ precision }) => precision),
      area,
    })
  }
  return curves
}

function share(part: number, whole: number, otherwise: number): number {
  return whole > 0 ? part / whole : otherwise
}

export function residuals(data: Data): Residuals | null {
  const edges = numbers(data.bin_edges)
  const counts = numbers(data.bin_counts)
  // Azure's own example has as many counts as edges: the last bin is open then.
  if (!edges || !counts || counts.length === 0 || edges.length < 2 || edges.length < counts.length) return null
  return { edges, counts }
}

export function predictions(data: Data): Predictions | null {
  const averages = numbers(data.bin_averages)
  const edges = numbers(data.bin_edges)
  if (!averages || !edges || averages.length === 0 || edges.length !== averages.length + 1) return null
  const errors = numbers(data.bin_errors) ?? []
  return { averages, edges, errors, counts: numbers(data.bin_counts) ?? [] }
}
