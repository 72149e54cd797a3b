import { useState, useSyncExternalStore } from 'react'
import { DarkContext } from '../charts/dark'
import type { Channel } from './channel'
import { Header } from './Header'
import type { WidgetModel } from './model'
import { isDark, onThemeChange } from './notebook_theme'
import { RunTabs } from './RunTabs'
import { type RunSource, useAskedRun, useSentRun } from './source'
import classes from './widget.module.css'

interface Props {
  readonly model: WidgetModel
  readonly channel: Channel
}

/** A run in a notebook; a row of its child runs opens that run in its place, with a way back. */
export function Widget({ model, channel }: Props) {
  const dark = useSyncExternalStore(onThemeChange, isDark)
  const sent = useSentRun(model)
  const [path, setPath] = useState<readonly string[]>([])
  const child = path.at(-1)
  return (
    <DarkContext value={dark}>
      {/* By this attribute Mantine's PostCSS preset, which the project has, tells light from dark in styles. */}
      <div data-mantine-color-scheme={dark ? 'dark' : 'light'}>
        <section className={classes.root} aria-label={`Run ${nameOf(sent)}`}>
          {child === undefined ? (
            <RunCard source={sent} channel={channel} onOpen={(runId) => setPath([runId])} />
          ) : (
            <>
              <nav className={classes.back} aria-label="Way back">
                <button type="button" className={classes.button} onClick={() => setPath(path.slice(0, -1))}>
                  ← Back to {path.length > 1 ? path[path.length - 2] : nameOf(sent)}
                </button>
              </nav>
              <ChildCard key={child} runId={child} channel={channel} onOpen={(runId) => setPath([...path, runId])} />
            </>
          )}
        </section>
      </div>
    </DarkContext>
  )
}

function nameOf(source: RunSource): string {
  return source.run?.run.name || source.runId
}

interface CardProps {
  readonly source: RunSource
  readonly channel: Channel
  readonly onOpen: (runId: string) => void
}

function RunCard({ source, channel, onOpen }: CardProps) {
  if (!source.run) {
    const trouble = source.error?.message ?? source.told?.trouble
    return <p className={classes.waiting}>{trouble || `Reading run ${source.runId} …`}</p>
  }
  return (
    <>
      <Header source={source} part={source.run} channel={channel} />
      <RunTabs source={source} channel={channel} onOpen={onOpen} />
    </>
  )
}

function ChildCard({ runId, ...rest }: { readonly runId: string } & Omit<CardProps, 'source'>) {
  return <RunCard source={useAskedRun(rest.channel, runId)} {...rest} />
}
