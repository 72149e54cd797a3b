import { useEffect, useMemo, useState } from 'react'
import { byMetric, type ImageEntry, imageAt, stepsOf } from '../pages/run/images/steps'
import { CardBox } from '../pages/run/metrics/CardBox'
import { formatBytes } from '../parts/format'
import { askFor, askForBytes, type Channel } from './channel'
import { bytesOf } from './model'
import type { RunSource } from './source'
import { useAsked } from './use_asked'
import classes from './widget.module.css'

interface Props {
  readonly source: RunSource
  readonly channel: Channel
}

/** Pixels and nothing else: what a page may show of what a script has logged. */
const SHOWN: readonly string[] = ['image/png', 'image/jpeg', 'image/gif', 'image/webp', 'image/bmp', 'image/avif']

/** The images of the run, a metric beside the other, each with its steps. */
export function Images({ source, channel }: Props) {
  const count = source.metrics?.metrics.reduce((sum, each) => sum + (each.kind === 'image' ? each.count : 0), 0) ?? 0
  const asked = useAsked(source.isSent ? null : `${source.runId} images`, count, (signal) =>
    askFor<{ images: readonly ImageEntry[]; total: number }>(channel, { ask: 'images', run_id: source.runId }, signal),
  )
  const part = source.images ?? asked.value
  const groups = useMemo(() => byMetric(part?.images ?? []), [part])
  if (asked.error) return <p role="alert">The images could not be read: {asked.error.message}</p>
  if (!part) return <p>Reading the images …</p>
  if (groups.size === 0) {
    return (
      <p>
        This run has no images. A script logs one with <code>run.log_image("ROC", plot=plt)</code>
      </p>
    )
  }
  return (
    <>
      {part.total > part.images.length && (
        <p className={classes.dimmed}>
          The newest {part.images.length.toLocaleString('en')} of {part.total.toLocaleString('en')}; the portal has all.
        </p>
      )}
      <div className={classes.cards}>
        {[...groups].map(([metric, images]) => (
          <Steps key={metric} metric={metric} images={images} source={source} channel={channel} />
        ))}
      </div>
    </>
  )
}

interface StepsProps extends Props {
  readonly metric: string
  readonly images: readonly ImageEntry[]
}

function Steps({ metric, images, source, channel }: StepsProps) {
  const [chosen, setChosen] = useState<number | null>(null)
  const steps = stepsOf([images])
  // Until a step is chosen it is the last one, also while images are still being logged.
  const at = chosen === null ? steps.length - 1 : Math.min(chosen, steps.length - 1)
  const image = imageAt(images, steps[at] ?? 0)
  return (
    <CardBox>
      <h3 className={classes.groupName}>{metric}</h3>
      {steps.length > 1 && (
        <label className={classes.group}>
          Step {steps[at]}
          <input
            type="range"
            min={0}
            max={steps.length - 1}
            value={at}
            aria-label={`Step of ${metric}`}
            aria-valuetext={`step ${steps[at]}`}
            onChange={(event) => setChosen(Number(event.currentTarget.value))}
          />
        </label>
      )}
      {image && <Picture image={image} label={`${metric}, step ${image.step}`} source={source} channel={channel} />}
    </CardBox>
  )
}

interface PictureProps extends Props {
  readonly image: ImageEntry
  readonly label: string
}

function Picture({ image, label, source, channel }: PictureProps) {
  const name = image.artifact
  const type = (image.content_type ?? '').split(';')[0]?.trim().toLowerCase() ?? ''
  const isShown = name !== null && image.url !== null && SHOWN.includes(type)
  const sent = name === null ? undefined : source.images?.pictures[name]
  const asked = useAsked(isShown && !sent ? `${source.runId} ${name}` : null, 0, (signal) =>
    askForBytes(channel, { ask: 'file', run_id: source.runId, name }, signal),
  )
  const view = sent ?? asked.value
  const [address, setAddress] = useState<string | null>(null)
  useEffect(() => {
    if (!isShown || !view) return
    const made = URL.createObjectURL(new Blob([bytesOf(view).slice()], { type }))
    setAddress(made)
    return () => URL.revokeObjectURL(made)
  }, [isShown, view, type])
  if (name === null || image.url === null) return <p>The file {name ?? ''} is not there any more.</p>
  if (!isShown) {
    return (
      <p>
        Files of this type are not shown here{image.size === null ? '' : ` (${formatBytes(image.size)})`}; the portal
        gives them.
      </p>
    )
  }
  if (asked.error) return <p role="alert">The image could not be read: {asked.error.message}</p>
  return address ? <img className={classes.picture} src={address} alt={label} /> : <p>Reading the image …</p>
}
