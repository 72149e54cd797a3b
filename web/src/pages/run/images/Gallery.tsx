import { Button, Modal, Slider } from '@mantine/core'
import { useState } from 'react'
import { CardBox } from '../metrics/CardBox'
import classes from './Gallery.module.css'
import { Picture, WHOLE, type Zoom } from './Picture'
import { type ImageEntry, imageAt, stepsOf } from './steps'

/** One run's images of a metric. */
export interface RunImages {
  readonly runId: string
  readonly label: string
  readonly images: readonly ImageEntry[]
}

interface Props {
  readonly metric: string
  readonly runs: readonly RunImages[]
}

/** The images of one metric: a slider for its steps, and the runs side by side, enlarged together. */
export function Gallery({ metric, runs }: Props) {
  const [chosen, setChosen] = useState<number | null>(null)
  const [large, setLarge] = useState(false)
  const [zoom, setZoom] = useState<Zoom>(WHOLE)
  const steps = stepsOf(runs.map((run) => run.images))
  // Until a step is chosen it is the last one, also while images are still being logged.
  const at = chosen === null ? steps.length - 1 : Math.min(chosen, steps.length - 1)
  const step = steps[at] ?? 0
  const pictures = (isLarge: boolean) => (
    <div className={classes.pictures}>
      {runs.map((run) => {
        const image = imageAt(run.images, step)
        const label = runs.length > 1 ? `${metric} of ${run.label}` : metric
        return (
          <figure key={run.runId} className={classes.picture}>
            <Picture
              image={image}
              label={label}
              zoom={isLarge ? zoom : WHOLE}
              onZoom={setZoom}
              onOpen={isLarge ? undefined : () => setLarge(true)}
            />
            <figcaption className={classes.caption}>
              {runs.length > 1 ? `${run.label}, ` : ''}
              {image ? `step ${image.step}` : ''}
            </figcaption>
          </figure>
        )
      })}
    </div>
  )
  const slider = steps.length > 1 && (
    <div className={classes.steps}>
      <span>Step {step}</span>
      <Slider
        className={classes.slider}
        size="sm"
        thumbLabel={`Step of ${metric}`}
        min={0}
        max={steps.length - 1}
        value={at}
        onChange={setChosen}
        label={(value) => steps[value]}
      />
    </div>
  )
  return (
    <CardBox>
      <h3 className={classes.title}>{metric}</h3>
      {slider}
      {pictures(false)}
      <Modal opened={large} onClose={() => setLarge(false)} title={metric} size="95%">
        <div className={classes.tools}>
          <Button.Group>
            {[1, 2, 4, 8].map((scale) => (
              <Button
                key={scale}
                size="compact-xs"
                variant={zoom.scale === scale ? 'filled' : 'default'}
                aria-pressed={zoom.scale === scale}
                onClick={() => setZoom(scale === 1 ? WHOLE : { ...zoom, scale })}
              >
                {scale}×
              </Button>
            ))}
          </Button.Group>
          {zoom.scale > 1 && <span>Drag an image, or double-click a place in it: all of them move.</span>}
          {slider}
        </div>
        {pictures(true)}
      </Modal>
    </CardBox>
  )
}
