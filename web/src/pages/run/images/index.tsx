import { MultiSelect } from '@mantine/core'
import { useQueries, useQuery } from '@tanstack/react-query'
import { useCallback, useMemo } from 'react'
import { get, path } from '../../../api/http'
import type { RunDetail, RunPage } from '../../../api/types'
import { Empty } from '../../../parts/Empty'
import { Loading } from '../../../parts/Loading'
import { Problem } from '../../../parts/Problem'
import { useAddress } from '../../../state/address'
import { Gallery } from './Gallery'
import classes from './index.module.css'
import { LargePictures } from './LargePictures'
import { StepBar } from './StepBar'
import { byMetric, type ImageEntry, type RunImages, readStep, stepsOf } from './steps'

interface Props {
  readonly run: RunDetail
}

const MOST_BESIDE = 7
const MOST_IMAGES = 10_000
const OFFERED = 200

function labelOf(run: { readonly number: number | null; readonly name: string | null; readonly run_id: string }) {
  return `${run.number === null ? '' : `Run ${run.number} `}${run.name ?? run.run_id}`.trim()
}

/** The images of a run by metric and step, and those of other runs beside them. */
export default function ImagesTab({ run }: Props) {
  const address = useAddress()
  const beside = address.list('with').slice(0, MOST_BESIDE)
  const step = readStep(address.get('step'))
  const setAddress = address.set
  const onStep = useCallback(
    (next: number | null) => setAddress({ step: next === null ? null : String(next) }),
    [setAddress],
  )
  const offered = useQuery({
    queryKey: ['runs', 'beside', run.experiment],
    queryFn: ({ signal }) =>
      get<RunPage>('/runs', { experiment: run.experiment, limit: OFFERED, children: true }, signal),
  })
  const shown = [run.run_id, ...beside]
  const answers = useQueries({
    queries: shown.map((runId) => ({
      queryKey: ['run', runId, 'metrics', 'images'],
      queryFn: ({ signal }: { signal: AbortSignal }) =>
        get<readonly ImageEntry[]>(path`/runs/${runId}/images`, { limit: MOST_IMAGES }, signal),
    })),
  })
  const labels = useMemo(() => {
    const names = new Map(offered.data?.runs.map((each) => [each.run_id, labelOf(each)]))
    names.set(run.run_id, labelOf(run))
    return names
  }, [offered.data, run])
  const own = answers[0]
  if (!own || own.isPending) return <Loading what="the images" />
  if (own.error) {
    return <Problem title="The images could not be read" error={own.error} onRetry={() => void own.refetch()} />
  }
  if (own.data.length === 0) {
    return (
      <Empty title="This run has no images">
        <p>A script logs one with:</p>
        <pre>run.log_image("loss curve", plot=plt)</pre>
      </Empty>
    )
  }
  const each = shown.map((runId, at) => ({
    runId,
    label: labels.get(runId) ?? runId,
    found: byMetric(answers[at]?.data ?? []),
  }))
  const failed = answers.find((answer) => answer.error)
  const choices = [...new Set([...(offered.data?.runs.map((other) => other.run_id) ?? []), ...beside])]
  const metrics = [...(each[0]?.found.keys() ?? [])]
  const imagesOf = (metric: string): RunImages[] =>
    each.map(({ runId, label, found }) => ({ runId, label, images: found.get(metric) ?? [] }))
  const steps = stepsOf(each.flatMap(({ found }) => [...found.values()]))
  const large = metrics.find((metric) => metric === address.get('large')) ?? null
  return (
    <>
      <h2 className="sr-only">Images</h2>
      <div className={classes.tools}>
        {steps.length > 1 && <StepBar steps={steps} step={step} onStep={onStep} />}
        <MultiSelect
          className={classes.beside}
          size="xs"
          aria-label="Beside the images of"
          placeholder={beside.length === 0 ? 'Beside the images of other runs' : ''}
          searchable
          clearable
          maxValues={MOST_BESIDE}
          data={choices
            .filter((runId) => runId !== run.run_id)
            .map((runId) => ({ value: runId, label: labels.get(runId) ?? runId }))}
          value={beside}
          onChange={(runIds) => address.set({ with: runIds })}
        />
      </div>
      {failed && <Problem title="Images of another run could not be read" error={failed.error} />}
      <div className={classes.grid} data-beside={beside.length > 0}>
        {metrics.map((metric) => (
          <Gallery
            key={metric}
            metric={metric}
            runs={imagesOf(metric)}
            step={step}
            onLarge={(at) =>
              address.set({ large: metric, ...(at === null ? {} : { step: String(at) }) }, { push: true })
            }
          />
        ))}
      </div>
      <LargePictures
        metric={large}
        runs={large === null ? [] : imagesOf(large)}
        step={step}
        onStep={onStep}
        onClose={() => address.set({ large: null })}
      />
    </>
  )
}
