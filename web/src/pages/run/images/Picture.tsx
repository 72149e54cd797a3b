import { Anchor } from '@mantine/core'
import { useState } from 'react'
import { formatBytes } from '../../../parts/format'
import classes from './Picture.module.css'
import type { ImageEntry } from './steps'

interface Props {
  readonly image: ImageEntry | null
  readonly label: string
  readonly zoom: Zoom
  readonly onZoom: (zoom: Zoom) => void
  readonly onOpen?: () => void
}

/** How large an image is drawn, and which part of it: shared by images that lie side by side. */
export interface Zoom {
  readonly scale: number
  /** The middle of what is seen, as parts of width and height. */
  readonly x: number
  readonly y: number
}

export const WHOLE: Zoom = { scale: 1, x: 0.5, y: 0.5 }

function within(part: number): number {
  return Math.min(Math.max(part, 0), 1)
}

/** An image of a run; a drag moves what is enlarged. What no page may show is to be saved. */
export function Picture({ image, label, zoom, onZoom, onOpen }: Props) {
  const [failed, setFailed] = useState<string | null>(null)
  if (!image) return <p className={classes.none}>no image</p>
  if (!image.url) return <p className={classes.none}>The file {image.artifact ?? ''} is not there any more.</p>
  if (!image.shown || failed === image.url) {
    return (
      <p className={classes.none}>
        {failed ? 'The browser cannot show this file. ' : 'Files of this type are not shown. '}
        <Anchor href={image.url} download>
          Save it{image.size === null ? '' : ` (${formatBytes(image.size)})`}
        </Anchor>
      </p>
    )
  }
  const { scale, x, y } = zoom
  const picture = (
    <img
      src={image.url}
      alt={`${label}, step ${image.step}`}
      className={classes.image}
      draggable={false}
      loading="lazy"
      decoding="async"
      style={
        scale === 1 ? undefined : { transform: `scale(${scale}) translate(${(0.5 - x) * 100}%, ${(0.5 - y) * 100}%)` }
      }
      onError={() => setFailed(image.url)}
    />
  )
  if (onOpen) {
    return (
      <button type="button" className={classes.frame} onClick={onOpen} aria-label={`Show ${label} large`}>
        {picture}
      </button>
    )
  }
  const steps: Readonly<Record<string, readonly [number, number]>> = {
    ArrowLeft: [-1, 0],
    ArrowRight: [1, 0],
    ArrowUp: [0, -1],
    ArrowDown: [0, 1],
  }
  return (
    // biome-ignore lint/a11y/useSemanticElements: a picture that is moved by pointer and arrow keys
    <div
      role="group"
      // biome-ignore lint/a11y/noNoninteractiveTabindex: arrow keys move the picture
      tabIndex={0}
      aria-label={`${label}: arrow keys move it where it is enlarged`}
      className={classes.frame}
      onKeyDown={(event) => {
        const step = steps[event.key]
        if (!step || scale === 1) return
        event.preventDefault()
        onZoom({ scale, x: within(x + (step[0] * 0.1) / scale), y: within(y + (step[1] * 0.1) / scale) })
      }}
      onDoubleClick={(event) => {
        // The place that was pointed to comes to the middle: for those who cannot drag.
        const box = event.currentTarget.getBoundingClientRect()
        onZoom({
          scale,
          x: within(x + ((event.clientX - box.left) / box.width - 0.5) / scale),
          y: within(y + ((event.clientY - box.top) / box.height - 0.5) / scale),
        })
      }}
      onPointerMove={(event) => {
        if (event.buttons !== 1 || scale === 1) return
        const box = event.currentTarget.getBoundingClientRect()
        onZoom({
          scale,
          x: within(x - event.movementX / box.width / scale),
          y: within(y - event.movementY / box.height / scale),
        })
      }}
    >
      {picture}
    </div>
  )
}
