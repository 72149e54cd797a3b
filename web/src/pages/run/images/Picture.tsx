import { Anchor } from '@mantine/core'
import { type PointerEvent, type ReactNode, useEffect, useRef, useState } from 'react'
import { placed } from '../../../api/place'
import { formatBytes } from '../../../parts/format'
import classes from './Picture.module.css'
import type { ImageEntry } from './steps'

interface Props {
  readonly image: Pick<ImageEntry, 'url' | 'shown' | 'size' | 'step' | 'artifact'> | null
  readonly label: string
  readonly zoom: Zoom
  readonly onZoom?: (zoom: Zoom) => void
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

const MOST = 32
/** A wheel that was turned so many pixels makes an image e times as large. */
const WHEEL = 400

function within(part: number): number {
  return Math.min(Math.max(part, 0), 1)
}

/** So many times larger, from the whole image on. */
export function scaled(zoom: Zoom, factor: number): Zoom {
  const scale = Math.min(Math.max(zoom.scale * factor, 1), MOST)
  return scale < 1.01 ? WHOLE : { ...zoom, scale }
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
        <Anchor href={placed(image.url)} download>
          Save it{image.size === null ? '' : ` (${formatBytes(image.size)})`}
        </Anchor>
      </p>
    )
  }
  const { scale, x, y } = zoom
  const picture = (
    <img
      src={placed(image.url)}
      alt={`${label}, step ${image.step}`}
      className={classes.image}
      draggable={false}
      loading="lazy"
      decoding="async"
      data-pixels={scale >= 4 || undefined}
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
  return (
    <Movable label={label} zoom={zoom} onZoom={onZoom ?? (() => {})}>
      {picture}
    </Movable>
  )
}

interface MovableProps {
  readonly label: string
  readonly zoom: Zoom
  readonly onZoom: (zoom: Zoom) => void
  readonly children: ReactNode
}

const STEPS: Readonly<Record<string, readonly [number, number]>> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
}

/** Enlarged and moved by wheel, drag, fingers, double click and keys. */
export function Movable({ label, zoom, onZoom, children }: MovableProps) {
  const { scale, x, y } = zoom
  const frame = useRef<HTMLDivElement>(null)
  const fingers = useRef(new Map<number, { x: number; y: number }>())
  const newest = useRef({ zoom, onZoom })
  useEffect(() => {
    newest.current = { zoom, onZoom }
  })
  useEffect(() => {
    // React's own wheel listeners are passive: they cannot keep the browser from enlarging the page.
    const element = frame.current
    const turned = (event: WheelEvent) => {
      if (!event.ctrlKey && !event.metaKey) return
      event.preventDefault()
      const { zoom: now, onZoom: tell } = newest.current
      tell(scaled(now, Math.exp(-event.deltaY / WHEEL)))
    }
    element?.addEventListener('wheel', turned, { passive: false })
    return () => element?.removeEventListener('wheel', turned)
  }, [])

  const moved = (event: PointerEvent<HTMLDivElement>) => {
    const before = fingers.current.get(event.pointerId)
    if (!before) return
    const box = event.currentTarget.getBoundingClientRect()
    const now = { x: event.clientX, y: event.clientY }
    const other = [...fingers.current].find(([id]) => id !== event.pointerId)?.[1]
    fingers.current.set(event.pointerId, now)
    if (other) {
      const apart = (point: { x: number; y: number }) => Math.hypot(point.x - other.x, point.y - other.y)
      onZoom(scaled(zoom, apart(now) / (apart(before) || 1)))
    } else if (scale > 1) {
      onZoom({
        scale,
        x: within(x - (now.x - before.x) / box.width / scale),
        y: within(y - (now.y - before.y) / box.height / scale),
      })
    }
  }
  const lifted = (event: PointerEvent) => fingers.current.delete(event.pointerId)
  return (
    // biome-ignore lint/a11y/useSemanticElements: a picture that is moved by pointer and keys
    <div
      ref={frame}
      role="group"
      // biome-ignore lint/a11y/noNoninteractiveTabindex: keys enlarge and move the picture
      tabIndex={0}
      aria-label={`${label}: plus and minus enlarge it, arrow keys move it`}
      className={classes.frame}
      data-enlarged={scale > 1 || undefined}
      onKeyDown={(event) => {
        const step = STEPS[event.key]
        if (event.key === '+' || event.key === '=') onZoom(scaled(zoom, 2))
        else if (event.key === '-') onZoom(scaled(zoom, 0.5))
        else if (step && scale > 1) {
          onZoom({ scale, x: within(x + (step[0] * 0.1) / scale), y: within(y + (step[1] * 0.1) / scale) })
        } else return
        event.preventDefault()
      }}
      onDoubleClick={(event) => {
        // The place that was pointed to comes to the middle: for those who cannot drag.
        const box = event.currentTarget.getBoundingClientRect()
        onZoom({
          scale: scale === 1 ? 2 : scale,
          x: within(x + ((event.clientX - box.left) / box.width - 0.5) / scale),
          y: within(y + ((event.clientY - box.top) / box.height - 0.5) / scale),
        })
      }}
      onPointerDown={(event) => {
        if (event.button !== 0) return
        event.currentTarget.setPointerCapture(event.pointerId)
        fingers.current.set(event.pointerId, { x: event.clientX, y: event.clientY })
      }}
      onPointerMove={moved}
      onPointerUp={lifted}
      onPointerCancel={lifted}
    >
      {children}
    </div>
  )
}
