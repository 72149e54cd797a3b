import { useState } from 'react'
import type { Metric } from '../api/types'
import type { Span } from '../charts/types'
import { CardBox } from '../pages/run/metrics/CardBox'
import { AccuracyTable, type CurveKind } from '../pages/run/metrics/structured/AccuracyTable'
import { ConfusionMatrix, type MatrixWay } from '../pages/run/metrics/structured/ConfusionMatrix'
import { Predictions } from '../pages/run/metrics/structured/Predictions'
import { classCurves, confusionMatrix, dataOf, predictions, residuals } from '../pages/run/metrics/structured/parse'
import { Residuals } from '../pages/run/metrics/structured/Residuals'
import table from '../pages/run/metrics/TableCard.module.css'
import { askFor, type Channel } from './channel'
import type { RunSource } from './source'
import { useAsked } from './use_asked'

interface Props {
  readonly source: RunSource
  readonly channel: Channel
  readonly metric: Metric
}

/** A confusion matrix, accuracy table, residuals or predictions; as text where it is none of a shape we know. */
export function StructuredCard({ source, channel, metric }: Props) {
  const { name } = metric
  const sent = source.values?.structured[name]
  const asked = useAsked(sent ? null : `${source.runId} ${name}`, metric.count, async (signal) => {
    const found = await askFor<{ content: unknown }>(channel, { ask: 'structured', run_id: source.runId, name }, signal)
    return found.content
  })
  const content = sent ?? asked.value
  return (
    <CardBox>
      {asked.error && <p role="alert">This metric could not be read: {asked.error.message}</p>}
      {content ? <Drawn metric={metric} content={content} /> : <h3 className={table.title}>{name}</h3>}
    </CardBox>
  )
}

const HEIGHT = 200

function Drawn({ metric, content }: { readonly metric: Metric; readonly content: unknown }) {
  const [way, setWay] = useState<MatrixWay>('counts')
  const [kind, setKind] = useState<CurveKind>('roc')
  const [span, setSpan] = useState<Span | null>(null)
  const data = dataOf(content)
  const shared = { title: metric.name, height: HEIGHT }
  const window = { drawn: span, settled: span, show: setSpan }
  if (data) {
    const matrix = metric.kind === 'confusion_matrix' ? confusionMatrix(data) : null
    if (matrix) return <ConfusionMatrix matrix={matrix} way={way} onWay={setWay} {...shared} />
    const curves = metric.kind === 'accuracy_table' ? classCurves(data) : null
    if (curves) return <AccuracyTable curves={curves} kind={kind} onKind={setKind} window={window} {...shared} />
    const bins = metric.kind === 'residuals' ? residuals(data) : null
    if (bins) return <Residuals residuals={bins} {...shared} />
    const predicted = metric.kind === 'predictions' ? predictions(data) : null
    if (predicted) return <Predictions predictions={predicted} window={window} {...shared} />
  }
  return (
    <>
      <h3 className={table.title} title={metric.description}>
        {metric.name}
      </h3>
      <p>This has not the shape of such a metric, so here is what was logged:</p>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keyboard */}
      <section className={table.scroll} tabIndex={0} aria-label={`Content of ${metric.name}`}>
        <pre>{JSON.stringify(content, null, 2).slice(0, 20_000)}</pre>
      </section>
    </>
  )
}
