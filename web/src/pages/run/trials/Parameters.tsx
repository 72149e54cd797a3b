import { type JSX, type ReactNode, useCallback, useMemo, useState, useSyncExternalStore } from 'react'
import { bestColour, rankColour } from '../../../charts/colours'
import { useDark } from '../../../charts/dark'
import { createHighlight, type Highlight } from '../../../charts/highlight'
import type { Brush } from '../../compare/brushes'
import { chosenOf, factTexts, ParallelPlot, type PlottedFact, type PlottedRun } from '../../compare/ParallelPlot'
import type { Axis } from '../../compare/scales'
import classes from './TrialCharts.module.css'
import { factsOf, type Primary, ranksOf, type TrialRow } from './trials_of'

/** An axis's name and what chooses a range of it. */
export type AxisHeading = (props: {
  readonly name: string
  readonly axis: Axis
  readonly brush: Brush | null
  readonly left: number
  readonly width: number
  readonly onBrush: (brush: Brush | null) => void
}) => ReactNode

export interface ParametersProps {
  readonly rows: readonly TrialRow[]
  readonly columns: readonly string[]
  readonly primary: Primary
  readonly height: number
  /** Between two axes, at the least. */
  readonly gap?: number | undefined
  readonly onOpen: (runId: string) => void
  /** Names alone where there is none. */
  readonly Heading?: AxisHeading | undefined
  /** What can be done with the trials that are within the ranges. */
  readonly actions?: ((runIds: readonly string[]) => ReactNode) | undefined
}

const NO_BRUSHES: ReadonlyMap<string, Brush> = new Map()

/** What the trials were given against what they gave: an axis each, a line a trial, the better the stronger. */
export function Parameters(props: ParametersProps): JSX.Element | null {
  const { rows, columns, primary, height, gap = 62, onOpen, Heading = NameOnly, actions } = props
  const dark = useDark()
  const [brushes, setBrushes] = useState(NO_BRUSHES)
  const highlight = useMemo(createHighlight, [])
  const facts = useMemo(() => factsOf(rows, columns, primary), [rows, columns, primary])
  const ranks = useMemo(() => ranksOf(rows, primary), [rows, primary])
  const runs = useMemo<PlottedRun[]>(
    () =>
      [...rows]
        .sort((a, b) => (ranks.get(a.run_id) ?? -1) - (ranks.get(b.run_id) ?? -1))
        .map((row) => ({ run_id: row.run_id, name: row.name || row.run_id })),
    [rows, ranks],
  )
  const last = runs.at(-1)
  const best = last && ranks.has(last.run_id) ? last.run_id : null
  const strokeOf = useCallback(
    ({ run_id }: PlottedRun) => ({
      colour: run_id === best ? bestColour(dark) : rankColour(ranks.get(run_id) ?? 0, dark),
    }),
    [best, ranks, dark],
  )
  const sizes = useMemo(() => ({ height, side: 48, gap }), [height, gap])
  const chosen = chosenOf(runs, facts, brushes)
  const onBrush = (name: string, brush: Brush | null) => {
    const next = new Map(brushes)
    if (brush === null) next.delete(name)
    else next.set(name, brush)
    setBrushes(next)
  }
  if (facts.length < 2) return null
  return (
    <>
      <ParallelPlot
        runs={runs}
        facts={facts}
        sizes={sizes}
        highlight={highlight}
        brushes={brushes}
        onBrush={onBrush}
        onOpen={onOpen}
        strokeOf={strokeOf}
        lifted={best}
        head={(fact, axis, left, width) => (
          <Heading
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
      <PointedAt runs={runs} facts={facts} highlight={highlight} bestColour={best === null ? null : bestColour(dark)} />
      <div className={classes.chosen}>
        <span role="status">
          {chosen !== null &&
            `${chosen.size.toLocaleString('en')} of ${runs.length.toLocaleString('en')} trials are within the ranges.`}
        </span>
        {chosen !== null && (
          <>
            {actions?.([...chosen].reverse())}
            <button type="button" className={classes.button} onClick={() => setBrushes(NO_BRUSHES)}>
              All ranges away
            </button>
          </>
        )}
      </div>
    </>
  )
}

function NameOnly({ name, left, width }: { readonly name: string; readonly left: number; readonly width: number }) {
  return (
    <span className={classes.name} style={{ left, width }} title={name}>
      {name}
    </span>
  )
}

interface PointedProps {
  readonly runs: readonly PlottedRun[]
  readonly facts: readonly PlottedFact[]
  readonly highlight: Highlight
  /** Null where no trial is the best. */
  readonly bestColour: string | null
}

/** The trial that is pointed at, in words; else what the picture's colours and ranges are. */
function PointedAt({ runs, facts, highlight, bestColour }: PointedProps): JSX.Element {
  const stands = useSyncExternalStore(highlight.subscribe, highlight.get)
  const run = stands === null ? undefined : runs.find(({ run_id }) => run_id === stands)
  if (run) {
    return (
      <p className={classes.told}>
        <b>{run.name}</b> {factTexts(run, facts)}
      </p>
    )
  }
  return (
    <p className={classes.told}>
      {bestColour !== null && (
        <>
          <span className={classes.best} style={{ background: bestColour }} aria-hidden="true" /> the best;{' '}
        </>
      )}
      the better a trial, the stronger its line. Draw along an axis to choose trials by a range.
    </p>
  )
}
