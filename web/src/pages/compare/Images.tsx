import { Select } from '@mantine/core'
import { useQueries } from '@tanstack/react-query'
import { type JSX, useCallback, useMemo } from 'react'
import { get, path } from '../../api/http'
import { Empty } from '../../parts/Empty'
import { Loading } from '../../parts/Loading'
import { Problem } from '../../parts/Problem'
import { useAddress } from '../../state/address'
import { Gallery } from '../run/images/Gallery'
import { LargePictures } from '../run/images/LargePictures'
import { StepBar } from '../run/images/StepBar'
import { type ImageEntry, readStep, stepsOf } from '../run/images/steps'
import classes from './Charts.module.css'
import type { ComparedRun } from './runs'

const MOST_IMAGES = 10_000

/** The images of one name, a run beside the other; a slider goes through the steps. */
export function Images({ runs }: { readonly runs: readonly ComparedRun[] }): JSX.Element {
  const address = useAddress()
  const setAddress = address.set
  const onStep = useCallback(
    (next: number | null) => setAddress({ step: next === null ? null : String(next) }),
    [setAddress],
  )
  const queries = useQueries({
    queries: runs.map((run) => ({
      queryKey: ['run', run.run_id, 'metrics', 'images'],
      queryFn: ({ signal }: { signal: AbortSignal }) =>
        get<readonly ImageEntry[]>(path`/runs/${run.run_id}/images`, { limit: MOST_IMAGES }, signal),
    })),
  })
  const version = queries.map((query) => query.dataUpdatedAt).join(' ')
  // biome-ignore lint/correctness/useExhaustiveDependencies: the version tells when the answers are others
  const names = useMemo(
    () => [...new Set(queries.flatMap((query) => query.data ?? []).map((image) => image.metric))],
    [version],
  )
  const failed = queries.find((query) => query.isError)
  if (failed) return <Problem error={failed.error} title="The images could not be read" />
  if (queries.some((query) => query.isPending)) return <Loading what="the images" />
  const name = names.find((each) => each === address.get('image')) ?? names[0]
  if (name === undefined) {
    return (
      <Empty title="None of these runs has images">
        <p>A script logs one with:</p>
        <pre>{'run.log_image("predictions", plot=matplotlib.pyplot)'}</pre>
      </Empty>
    )
  }
  const found = runs.map((run, at) => ({
    runId: run.run_id,
    label: run.name,
    images: (queries[at]?.data ?? []).filter((image) => image.metric === name),
  }))
  const steps = stepsOf(found.map(({ images }) => images))
  const step = readStep(address.get('step'))
  return (
    <>
      <div className={classes.choices}>
        <Select
          size="xs"
          aria-label="Image"
          data={names}
          value={name}
          allowDeselect={false}
          searchable
          onChange={(next) => address.set({ image: next, step: null })}
        />
        {steps.length > 1 && <StepBar steps={steps} step={step} onStep={onStep} />}
      </div>
      <Gallery
        metric={name}
        runs={found}
        step={step}
        onLarge={(at) => address.set({ large: name, ...(at === null ? {} : { step: String(at) }) }, { push: true })}
      />
      <LargePictures
        metric={address.get('large') === name ? name : null}
        runs={found}
        step={step}
        onStep={onStep}
        onClose={() => address.set({ large: null })}
      />
    </>
  )
}
