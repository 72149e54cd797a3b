import { useQuery } from '@tanstack/react-query'
import type { ReactNode } from 'react'
import { get, path } from '../../../api/http'
import type { Metric } from '../../../api/types'
import { Loading } from '../../../parts/Loading'
import { Problem } from '../../../parts/Problem'
import { CardBox } from './CardBox'
import { AccuracyTable } from './structured/AccuracyTable'
import { ConfusionMatrix } from './structured/ConfusionMatrix'
import { Predictions } from './structured/Predictions'
import { classCurves, confusionMatrix, dataOf, predictions, residuals } from './structured/parse'
import { Residuals } from './structured/Residuals'
import classes from './TableCard.module.css'

interface Props {
  readonly runId: string
  readonly metric: Metric
}

/** Their charts have the metric's name in their own titles. */
const CHARTS: readonly string[] = ['accuracy_table', 'predictions']

/** A confusion matrix, accuracy table, residuals or predictions; as text where it is none of a shape we know. */
export function StructuredCard({ runId, metric }: Props) {
  const query = useQuery({
    queryKey: ['run', runId, 'metrics', metric.namespace, 'structured', metric.name, metric.count],
    queryFn: ({ signal }) => get<unknown>(path`/runs/${runId}/structured/${metric.name}`, {}, signal),
  })
  return (
    <CardBox>
      {!CHARTS.includes(metric.kind) && (
        <h3 className={classes.title} title={metric.description}>
          {metric.name}
        </h3>
      )}
      {query.isPending && <Loading what={metric.name} />}
      {query.error && (
        <Problem title="This metric could not be read" error={query.error} onRetry={() => void query.refetch()} />
      )}
      {query.data !== undefined && drawn(metric, query.data)}
    </CardBox>
  )
}

function drawn(metric: Metric, content: unknown): ReactNode {
  const data = dataOf(content)
  const title = metric.name
  if (data) {
    const matrix = metric.kind === 'confusion_matrix' ? confusionMatrix(data) : null
    if (matrix) return <ConfusionMatrix matrix={matrix} title={title} />
    const curves = metric.kind === 'accuracy_table' ? classCurves(data) : null
    if (curves) return <AccuracyTable curves={curves} title={title} />
    const bins = metric.kind === 'residuals' ? residuals(data) : null
    if (bins) return <Residuals residuals={bins} title={title} />
    const predicted = metric.kind === 'predictions' ? predictions(data) : null
    if (predicted) return <Predictions predictions={predicted} title={title} />
  }
  return (
    <>
      <p>This has not the shape of such a metric, so here is what was logged:</p>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keyboard */}
      <section className={classes.scroll} tabIndex={0} aria-label={`Content of ${title}`}>
        <pre>{JSON.stringify(content, null, 2).slice(0, 20_000)}</pre>
      </section>
    </>
  )
}
