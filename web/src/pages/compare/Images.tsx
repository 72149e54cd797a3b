import { Select, Slider, Text, useComputedColorScheme } from '@mantine/core'
import { useQueries } from '@tanstack/react-query'
import type { JSX } from 'react'
import { get, path } from '../../api/http'
import { Empty } from '../../parts/Empty'
import { Loading } from '../../parts/Loading'
import { Problem } from '../../parts/Problem'
import { useAddress } from '../../state/address'
import classes from './Images.module.css'
import { RunMark } from './RunMark'
import type { ComparedRun } from './runs'

interface RunImage {
  readonly metric: string
  readonly step: number | string
  readonly url: string | null
  /** Whether a browser may show it. */
  readonly shown: boolean
}

/** The images of one name, a run beside the other; a slider goes through the steps. */
export function Images({ runs }: { readonly runs: readonly ComparedRun[] }): JSX.Element {
  const address = useAddress()
  const dark = useComputedColorScheme('light') === 'dark'
  const queries = useQueries({
    queries: runs.map((run) => ({
      queryKey: ['run', run.run_id, 'images', 'all'],
      queryFn: ({ signal }: { signal: AbortSignal }) =>
        get<readonly RunImage[]>(path`/runs/${run.run_id}/images`, {}, signal),
    })),
  })
  const failed = queries.find((query) => query.isError)
  if (failed) return <Problem error={failed.error} title="The images could not be read" />
  if (queries.some((query) => query.isPending)) return <Loading what="the images" />
  const all = queries.flatMap((query) => query.data ?? [])
  const names = [...new Set(all.map((image) => image.metric))]
  const name = names.find((each) => each === address.get('image')) ?? names[0]
  if (name === undefined) {
    return (
      <Empty title="None of these runs has images">
        <p>A script logs one with:</p>
        <pre>{'run.log_image("predictions", plot=matplotlib.pyplot)'}</pre>
      </Empty>
    )
  }
  const steps = [...new Set(all.filter((image) => image.metric === name).map((image) => Number(image.step)))].sort(
    (a, b) => a - b,
  )
  const asked = steps.indexOf(Number(address.get('step') ?? Number.NaN))
  const place = asked >= 0 ? asked : steps.length - 1
  const step = steps[place]
  return (
    <>
      <div className={classes.choices}>
        <Select
          size="xs"
          label="Image"
          data={names}
          value={name}
          allowDeselect={false}
          searchable
          onChange={(next) => address.set({ image: next, step: null })}
        />
        {steps.length > 1 && (
          <div className={classes.steps}>
            <Text size="xs">Step {step}</Text>
            <Slider
              aria-label="Step"
              thumbLabel="Step"
              min={0}
              max={steps.length - 1}
              value={place}
              label={(value) => `step ${steps[value]}`}
              onChange={(value) => address.set({ step: String(steps[value] ?? '') })}
            />
          </div>
        )}
      </div>
      <div className={classes.grid}>
        {runs.map((run, index) => {
          const found = queries[index]?.data?.find((image) => image.metric === name && Number(image.step) === step)
          return (
            <figure key={run.run_id} className={classes.figure}>
              <figcaption className={classes.caption}>
                <RunMark slot={run.slot} dark={dark} /> {run.name}
              </figcaption>
              {found?.url && found.shown ? (
                <a href={found.url} target="_blank" rel="noreferrer">
                  <img
                    className={classes.image}
                    src={found.url}
                    alt={`${name} of ${run.name}, step ${step}`}
                    loading="lazy"
                  />
                </a>
              ) : (
                <Text size="sm" c="dimmed">
                  {found ? 'This file is no image that a browser may show.' : 'No image of this step.'}
                </Text>
              )}
            </figure>
          )
        })}
      </div>
    </>
  )
}
