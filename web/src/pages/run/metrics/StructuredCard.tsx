import { NumberInput } from '@mantine/core'
import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { type ReactNode, useCallback } from 'react'
import { get, path } from '../../../api/http'
import type { Metric } from '../../../api/types'
import { Loading } from '../../../parts/Loading'
import { Problem } from '../../../parts/Problem'
import { useAddress } from '../../../state/address'
import { CardBox } from './CardBox'
import { cardId, useCardChoice, useCardWindow, valueFor, withValue } from './card_state'
import type { ChartsContext } from './charts_context'
import { LargeButton } from './LineCard'
import { AccuracyTable } from './structured/AccuracyTable'
import { ConfusionMatrix } from './structured/ConfusionMatrix'
import { Predictions } from './structured/Predictions'
import { classCurves, confusionMatrix, dataOf, predictions, residuals } from './structured/parse'
import { Residuals } from './structured/Residuals'
import classes from './TableCard.module.css'

interface Props {
  readonly runId: string
  readonly metric: Metric
  readonly charts: ChartsContext
  readonly onLarge?: (() => void) | undefined
  readonly large?: number | undefined
}

/** A confusion matrix, accuracy table, residuals or predictions; as text where it is none of a shape we know. */
export function StructuredCard({ runId, metric, charts, onLarge, large }: Props) {
  const [index, setIndex] = useIndex(metric)
  const query = useQuery({
    queryKey: ['run', runId, 'metrics', metric.namespace, 'structured', metric.name, metric.count, index],
    queryFn: ({ signal }) => get<unknown>(path`/runs/${runId}/structured/${metric.name}`, { index }, signal),
    placeholderData: keepPreviousData,
  })
  const actions = (
    <>
      {metric.count > 1 && (
        <NumberInput
          className={classes.index}
          size="xs"
          aria-label={`Which ${metric.name} of ${metric.count}`}
          prefix="no. "
          suffix={` of ${metric.count}`}
          min={1}
          max={metric.count}
          value={index + 1}
          onChange={(value) => typeof value === 'number' && setIndex(value - 1)}
        />
      )}
      {onLarge && <LargeButton title={metric.name} onLarge={onLarge} />}
    </>
  )
  return (
    <CardBox>
      {query.isPending && <Loading what={metric.name} />}
      {query.error && (
        <Problem title="This metric could not be read" error={query.error} onRetry={() => void query.refetch()} />
      )}
      {query.data !== undefined && (
        <Drawn metric={metric} content={query.data} height={large ?? charts.height} actions={actions} />
      )}
    </CardBox>
  )
}

/** Which of several that were logged under one name, counted from 0; the last unless the address says another. */
function useIndex(metric: Metric): [number, (index: number) => void] {
  const { list, set } = useAddress()
  const card = cardId(metric)
  const last = metric.count - 1
  const asked = Number(valueFor(list('nth'), card) ?? Number.NaN)
  const index = Number.isInteger(asked) && asked >= 0 && asked <= last ? asked : last
  const choose = useCallback(
    (next: number) => set({ nth: withValue(list('nth'), card, next === last ? null : String(next)) }),
    [set, list, card, last],
  )
  return [index, choose]
}

interface DrawnProps {
  readonly metric: Metric
  readonly content: unknown
  readonly height: number
  readonly actions: ReactNode
}

const WAYS = ['counts', 'shares'] as const
const CURVES = ['roc', 'pr'] as const

function Drawn({ metric, content, height, actions }: DrawnProps) {
  const [way, onWay] = useCardChoice(cardId(metric), WAYS)
  const [kind, onKind] = useCardChoice(cardId(metric), CURVES)
  const window = useCardWindow(cardId(metric))
  const data = dataOf(content)
  const shared = { title: metric.name, height, actions }
  if (data) {
    const matrix = metric.kind === 'confusion_matrix' ? confusionMatrix(data) : null
    if (matrix) return <ConfusionMatrix matrix={matrix} way={way} onWay={onWay} {...shared} />
    const curves = metric.kind === 'accuracy_table' ? classCurves(data) : null
    if (curves) return <AccuracyTable curves={curves} kind={kind} onKind={onKind} window={window} {...shared} />
    const bins = metric.kind === 'residuals' ? residuals(data) : null
    if (bins) return <Residuals residuals={bins} {...shared} />
    const predicted = metric.kind === 'predictions' ? predictions(data) : null
    if (predicted) return <Predictions predictions={predicted} window={window} {...shared} />
  }
  return (
    <>
      <header className={classes.header}>
        <h3 className={classes.title} title={metric.description}>
          {metric.name}
        </h3>
        <span className={classes.actions}>{actions}</span>
      </header>
      <p className={classes.said}>It has not the shape of its kind, so here is what was logged:</p>
      <section
        className={classes.scroll}
        style={{ maxHeight: height }}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keyboard
        tabIndex={0}
        aria-label={`Content of ${metric.name}`}
      >
        <pre className={classes.content}>{JSON.stringify(content, null, 2).slice(0, 20_000)}</pre>
      </section>
    </>
  )
}
