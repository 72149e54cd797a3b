import { Button, Group, Text } from '@mantine/core'
import { type JSX, useState } from 'react'
import { Movable, scaled, WHOLE, type Zoom } from '../images/Picture'
import classes from './ImageView.module.css'

interface Properties {
  readonly name: string
  readonly address: string
}

/** An image that can be enlarged and moved. */
export function ImageView({ name, address }: Properties): JSX.Element {
  const [zoom, setZoom] = useState<Zoom>(WHOLE)
  const [size, setSize] = useState<{ width: number; height: number } | null>(null)
  const [failed, setFailed] = useState(false)
  if (failed) return <Text c="dimmed">The browser cannot show this image: download it.</Text>
  const { scale, x, y } = zoom
  return (
    <>
      <Group gap="xs">
        <Button.Group>
          <Button size="compact-xs" variant="default" aria-label="Smaller" onClick={() => setZoom(scaled(zoom, 0.5))}>
            −
          </Button>
          <Button size="compact-xs" variant="default" aria-label="Larger" onClick={() => setZoom(scaled(zoom, 2))}>
            +
          </Button>
          <Button size="compact-xs" variant="default" disabled={scale === 1} onClick={() => setZoom(WHOLE)}>
            All
          </Button>
        </Button.Group>
        {size && (
          <Text size="sm" c="dimmed">
            {size.width.toLocaleString('en')} × {size.height.toLocaleString('en')} px
            {scale > 1 ? ` · ${Math.round(scale * 10) / 10}×` : ''}
          </Text>
        )}
      </Group>
      <div className={classes.frame}>
        <Movable label={name} zoom={zoom} onZoom={setZoom}>
          <img
            className={classes.image}
            src={address}
            alt={name}
            draggable={false}
            style={{ transform: `scale(${scale}) translate(${(0.5 - x) * 100}%, ${(0.5 - y) * 100}%)` }}
            onLoad={({ currentTarget: image }) => setSize({ width: image.naturalWidth, height: image.naturalHeight })}
            onError={() => setFailed(true)}
          />
        </Movable>
      </div>
    </>
  )
}
