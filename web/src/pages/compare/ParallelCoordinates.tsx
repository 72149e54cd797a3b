import { Button, Group, Text } from '@mantine/core'
import { type JSX, useCallback, useMemo } from 'react'
import { useNavigate } from 'react-router'
import { colourOf, dashOf } from '../../charts/colours'
import { useDark } from '../../charts/dark'
import type { Highlight } from '../../charts/highlight'
import { runPath } from '../../state/names'
import { AxisHead } from './AxisHead'
import type { Brush } from './brushes'
import { chosenOf, ParallelPlot, type PlottedRun } from './ParallelPlot'
import type { ComparedRun, Difference } from './runs'
import { axisOf } from './scales'

interface Properties {
  readonly runs: readonly ComparedRun[]
  readonly facts: readonly Difference[]
  readonly highlight: Highlight
  /** The values that are wanted, by the name of their fact. */
  readonly brushes: ReadonlyMap<string, Brush>
  readonly onBrush: (name: string, brush: Brush | null) => void
  /** Leave out all other runs. */
  readonly onKeep: (runIds: readonly string[]) => void
}

const SIZES = { height: 420, side: 90, gap: 130 }

/** The runs that are compared in parallel coordinates; ranges of axes choose runs. */
export function ParallelCoordinates({ runs, facts, highlight, brushes, onBrush, onKeep }: Properties): JSX.Element {
  const dark = useDark()
  const navigate = useNavigate()
  const byId = useMemo(() => new Map(runs.map((run) => [run.run_id, run])), [runs])
  const strokeOf = useCallback(
    ({ run_id }: PlottedRun) => {
      const slot = byId.get(run_id)?.slot ?? 0
      return { colour: colourOf(slot, dark), dash: dashOf(slot) }
    },
    [byId, dark],
  )
  const drawable = facts.filter((fact) => axisOf(runs.map((run) => fact.values[run.run_id])) !== null)
  if (drawable.length < 2) return <Text c="dimmed">Choose two or more axes.</Text>
  const chosen = chosenOf(runs, drawable, brushes)
  return (
    <>
      <ParallelPlot
        runs={runs}
        facts={drawable}
        sizes={SIZES}
        highlight={highlight}
        brushes={brushes}
        onBrush={onBrush}
        onOpen={(runId) => navigate(runPath(byId.get(runId)?.experiment ?? '', runId))}
        strokeOf={strokeOf}
        head={(fact, axis, left, width) => (
          <AxisHead
            key={fact.name}
            name={fact.name}
            axis={axis}
            brush={brushes.get(fact.name) ?? null}
            left={left}
            width={width}
            onBrush={(brush) => onBrush(fact.name, brush)}
          />
        )}
      />
      <Group gap="sm" mt="xs">
        <Text size="sm" role="status">
          {chosen === null
            ? 'Draw along an axis, or press the button at its name, to choose runs by a range.'
            : `${chosen.size} of ${runs.length} runs are within the ranges.`}
        </Text>
        {chosen !== null && (
          <>
            <Button
              size="compact-sm"
              variant="default"
              disabled={chosen.size === 0 || chosen.size === runs.length}
              onClick={() => onKeep([...chosen])}
            >
              Compare only these
            </Button>
            <Button
              size="compact-sm"
              variant="default"
              onClick={() => {
                for (const name of brushes.keys()) onBrush(name, null)
              }}
            >
              All ranges away
            </Button>
          </>
        )}
      </Group>
    </>
  )
}
