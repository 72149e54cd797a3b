import { ActionIcon, Button } from '@mantine/core'
import { type JSX, useState } from 'react'
import { Icon } from '../../../parts/Icon'
import { CardBox } from '../metrics/CardBox'
import classes from './Gallery.module.css'
import { Picture, WHOLE } from './Picture'
import { imageAt, type RunImages, stepsOf } from './steps'

interface Props {
  readonly metric: string
  readonly runs: readonly RunImages[]
  /** The step that is shown; null for the last one. */
  readonly step: number | null
  /** Show a step's images enlarged, null for the step that is shown. */
  readonly onLarge: (step: number | null) => void
}

/** So many steps are shown beside each other before more are asked for. */
const AT_ONCE = 60

/** The images of one metric, the runs side by side: of one step, or of all. */
export function Gallery({ metric, runs, step, onLarge }: Props): JSX.Element {
  const [most, setMost] = useState(0)
  const steps = stepsOf(runs.map((run) => run.images))
  return (
    <CardBox>
      <header className={classes.header}>
        <h3 className={classes.title} title={metric}>
          {metric}
        </h3>
        {steps.length > 1 && (
          <Button
            size="compact-xs"
            variant="default"
            aria-expanded={most > 0}
            onClick={() => setMost(most > 0 ? 0 : AT_ONCE)}
          >
            {most > 0 ? 'One step' : `All ${steps.length.toLocaleString('en')} steps`}
          </Button>
        )}
        <ActionIcon
          variant="subtle"
          color="gray"
          size="sm"
          aria-label={`Show ${metric} large`}
          title="Show large"
          onClick={() => onLarge(null)}
        >
          <Icon name="zoom" size={15} />
        </ActionIcon>
      </header>
      {most === 0 ? (
        <Pictures metric={metric} runs={runs} step={step} onLarge={() => onLarge(null)} />
      ) : (
        <div className={classes.all}>
          {steps.slice(0, most).map((each) => (
            <Pictures key={each} metric={metric} runs={runs} step={each} isExact onLarge={() => onLarge(each)} />
          ))}
          {steps.length > most && (
            <Button variant="default" size="xs" onClick={() => setMost(most + AT_ONCE)}>
              Show more
            </Button>
          )}
        </div>
      )}
    </CardBox>
  )
}

interface PicturesProps extends Props {
  /** Only images of that very step. */
  readonly isExact?: boolean
}

function Pictures({ metric, runs, step, isExact, onLarge }: PicturesProps): JSX.Element {
  return (
    <div className={classes.pictures}>
      {runs.map((run) => {
        const found = imageAt(run.images, step)
        const image = isExact && found && Number(found.step) !== step ? null : found
        const label = runs.length > 1 ? `${metric} of ${run.label}` : metric
        return (
          <figure key={run.runId} className={classes.picture}>
            <Picture image={image} label={label} zoom={WHOLE} onOpen={() => onLarge(step)} />
            <figcaption className={classes.caption}>
              {runs.length > 1 ? `${run.label}, ` : ''}
              {image ? `step ${image.step}` : ''}
            </figcaption>
          </figure>
        )
      })}
    </div>
  )
}
