import { ActionIcon, Button, Slider } from '@mantine/core'
import { type JSX, useEffect, useState } from 'react'
import { Icon } from '../../../parts/Icon'
import classes from './StepBar.module.css'

interface Properties {
  /** Ascending, each once; at least two. */
  readonly steps: readonly number[]
  /** The step that is shown; null for the last one, whichever that is. */
  readonly step: number | null
  readonly onStep: (step: number | null) => void
}

const QUIET_MS = 150

/** Goes through steps by a slider, or one by one. */
export function StepBar({ steps, step, onStep }: Properties): JSX.Element {
  const last = steps.length - 1
  const at =
    step === null
      ? last
      : Math.max(
          0,
          steps.findLastIndex((each) => each <= step),
        )
  // The address follows a moment later: browsers refuse one that changes with every pixel of a slider.
  const [moved, setMoved] = useState<number | null>(null)
  useEffect(() => {
    if (moved === null) return
    const timer = setTimeout(() => {
      onStep(moved === last ? null : (steps[moved] ?? null))
      setMoved(null)
    }, QUIET_MS)
    return () => clearTimeout(timer)
  }, [moved, last, steps, onStep])
  const shown = moved ?? at
  const go = (to: number) => setMoved(Math.min(Math.max(to, 0), last))
  return (
    <div className={classes.bar}>
      <ActionIcon variant="default" aria-label="Step before" aria-disabled={shown === 0} onClick={() => go(shown - 1)}>
        <Icon name="left" size={15} />
      </ActionIcon>
      <ActionIcon variant="default" aria-label="Next step" aria-disabled={shown === last} onClick={() => go(shown + 1)}>
        <Icon name="right" size={15} />
      </ActionIcon>
      <span className={classes.step} role="status">
        Step {(steps[shown] ?? 0).toLocaleString('en')}
      </span>
      <Slider
        className={classes.slider}
        size="sm"
        thumbLabel="Step"
        min={0}
        max={last}
        value={shown}
        onChange={setMoved}
        label={(value) => steps[value]}
      />
      <Button size="compact-xs" variant="default" disabled={shown === last} onClick={() => go(last)}>
        Latest
      </Button>
    </div>
  )
}
