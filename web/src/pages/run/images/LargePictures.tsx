import { Button, Modal } from '@mantine/core'
import { type JSX, useState } from 'react'
import classes from './Gallery.module.css'
import { Picture, WHOLE, type Zoom } from './Picture'
import { StepBar } from './StepBar'
import { imageAt, type RunImages, stepsOf } from './steps'

interface Props {
  /** Null: nothing is enlarged. */
  readonly metric: string | null
  readonly runs: readonly RunImages[]
  readonly step: number | null
  readonly onStep: (step: number | null) => void
  readonly onClose: () => void
}

const SCALES = [1, 2, 4, 8] as const

/** The images of one metric in the whole window, the runs side by side: they are enlarged and moved together. */
export function LargePictures({ metric, runs, step, onStep, onClose }: Props): JSX.Element {
  const [zoom, setZoom] = useState<Zoom>(WHOLE)
  const steps = stepsOf(runs.map((run) => run.images))
  return (
    <Modal
      opened={metric !== null}
      onClose={() => {
        setZoom(WHOLE)
        onClose()
      }}
      title={metric}
      fullScreen
      closeButtonProps={{ 'aria-label': 'Close' }}
    >
      <div className={classes.tools}>
        <Button.Group>
          {SCALES.map((scale) => (
            <Button
              key={scale}
              size="xs"
              variant={zoom.scale === scale ? 'filled' : 'default'}
              aria-pressed={zoom.scale === scale}
              onClick={() => setZoom(scale === 1 ? WHOLE : { ...zoom, scale })}
            >
              {scale}×
            </Button>
          ))}
        </Button.Group>
        {steps.length > 1 && <StepBar steps={steps} step={step} onStep={onStep} />}
        <span>
          {zoom.scale > 1
            ? 'Drag an image, or double-click a place in it: all of them move.'
            : 'Ctrl and wheel, or two fingers, enlarge.'}
        </span>
      </div>
      <div className={classes.pictures} data-large>
        {runs.map((run) => {
          const image = imageAt(run.images, step)
          return (
            <figure key={run.runId} className={classes.picture}>
              <Picture
                image={image}
                label={runs.length > 1 ? `${metric} of ${run.label}` : (metric ?? '')}
                zoom={zoom}
                onZoom={setZoom}
              />
              <figcaption className={classes.caption}>
                {runs.length > 1 ? `${run.label}, ` : ''}
                {image ? `step ${image.step}` : ''}
              </figcaption>
            </figure>
          )
        })}
      </div>
    </Modal>
  )
}
