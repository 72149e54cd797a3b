import { type KeyboardEvent, useId, useRef, useState } from 'react'
import { primaryOf } from '../pages/run/trials/trials_of'
import { ChildRuns } from './ChildRuns'
import type { Channel } from './channel'
import { Details } from './Details'
import { Images } from './Images'
import { Logs } from './Logs'
import { Metrics } from './Metrics'
import type { RunSource } from './source'
import classes from './widget.module.css'

interface Props {
  readonly source: RunSource
  readonly channel: Channel
  readonly onOpen: (runId: string) => void
}

const TABS = ['Metrics', 'Images', 'Logs', 'Child runs', 'Details'] as const
type Tab = (typeof TABS)[number]

/** What there is of the run, by kind. Child runs are seen first where it is a sweep, or has no metrics of its own. */
export function RunTabs({ source, channel, onOpen }: Props) {
  const id = useId()
  const [chosen, setChosen] = useState<Tab | null>(null)
  const list = useRef<HTMLDivElement>(null)
  const counts = countsOf(source)
  const isSweep = !!source.run && primaryOf(source.run.run) !== null
  const tab = chosen ?? firstTab(counts, isSweep)
  const pressed = (event: KeyboardEvent) => {
    const by = event.key === 'ArrowRight' ? 1 : event.key === 'ArrowLeft' ? -1 : 0
    if (by === 0) return
    event.preventDefault()
    const at = (TABS.indexOf(tab) + by + TABS.length) % TABS.length
    setChosen(TABS[at] ?? tab)
    list.current?.querySelectorAll('button')[at]?.focus()
  }
  return (
    <div className={classes.tabs}>
      <div role="tablist" aria-label="Of the run" className={classes.tablist} ref={list} onKeyDown={pressed}>
        {TABS.map((each) => (
          <button
            key={each}
            type="button"
            role="tab"
            id={`${id}${TABS.indexOf(each)}`}
            className={classes.tab}
            aria-selected={each === tab}
            aria-controls={`${id}panel`}
            tabIndex={each === tab ? 0 : -1}
            onClick={() => setChosen(each)}
          >
            {each}
            {counts[each] !== null && <span className={classes.count}> {counts[each].toLocaleString('en')}</span>}
          </button>
        ))}
      </div>
      <div
        role="tabpanel"
        id={`${id}panel`}
        aria-labelledby={`${id}${TABS.indexOf(tab)}`}
        className={classes.panel}
        data-tall={(isSweep && tab === 'Child runs') || undefined}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, so the keyboard must reach it
        tabIndex={0}
      >
        {tab === 'Metrics' && <Metrics source={source} channel={channel} />}
        {tab === 'Images' && <Images source={source} channel={channel} />}
        {tab === 'Logs' && <Logs source={source} channel={channel} />}
        {tab === 'Child runs' && <ChildRuns source={source} channel={channel} onOpen={onOpen} />}
        {tab === 'Details' && source.run && <Details run={source.run.run} />}
      </div>
    </div>
  )
}

function countsOf(source: RunSource): Readonly<Record<Tab, number | null>> {
  const images = source.metrics?.metrics.filter((metric) => metric.kind === 'image') ?? []
  return {
    Metrics: source.metrics ? source.metrics.total - images.length : null,
    Images: source.metrics ? images.reduce((sum, metric) => sum + metric.count, 0) : null,
    Logs: source.logs ? source.logs.logs.length : null,
    'Child runs': source.run?.run.children_total ?? null,
    Details: null,
  }
}

function firstTab(counts: Readonly<Record<Tab, number | null>>, isSweep: boolean): Tab {
  if (isSweep && counts['Child runs']) return 'Child runs'
  if (counts.Metrics) return 'Metrics'
  if (counts['Child runs']) return 'Child runs'
  return counts.Logs ? 'Logs' : 'Metrics'
}
