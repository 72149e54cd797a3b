import { type ReactNode, useRef, useState } from 'react'
import classes from './ChartFrame.module.css'
import { download, fileName, svgAsPng } from './download'
import { linesAsCsv } from './export_csv'
import { sceneAsSvg } from './export_svg'
import { sceneOf } from './scene'
import type { Line, View } from './types'
import type { Unit } from './units'

export interface ChartFrameProps {
  readonly title: string
  /** Beside the title: what is to be said of the chart. */
  readonly note?: ReactNode
  /** More buttons, before the menu. */
  readonly actions?: ReactNode
  readonly lines: readonly Line[]
  readonly view: View
  readonly xLabel: string
  readonly dark: boolean
  readonly unit?: Unit | undefined
  /** Where all points are to be had as CSV, drawn or not. */
  readonly allPoints?: string | undefined
  readonly children: ReactNode
}

/** A chart's box: its title, and a menu that gives it as a file. */
export function ChartFrame(props: ChartFrameProps) {
  const { title, note, actions, lines, view, xLabel, dark, unit, allPoints, children } = props
  const menu = useRef<HTMLDetailsElement>(null)
  const [problem, setProblem] = useState('')

  const close = () => {
    if (menu.current) menu.current.open = false
  }
  const svg = () => sceneAsSvg(sceneOf(lines, view), { title, x: xLabel, xKind: view.xKind, unit }, dark)
  const give = async (kind: 'png' | 'svg' | 'csv') => {
    setProblem('')
    try {
      const content =
        kind === 'png'
          ? await svgAsPng(svg())
          : kind === 'svg'
            ? new Blob([svg()], { type: 'image/svg+xml' })
            : new Blob([linesAsCsv(lines, xLabel)], { type: 'text/csv' })
      download(content, fileName(title, kind))
    } catch (error) {
      setProblem(error instanceof Error ? error.message : String(error))
    }
    close()
  }

  return (
    <section className={classes.frame} aria-label={title}>
      <header className={classes.header}>
        <h3 className={classes.title} title={title}>
          {title}
        </h3>
        <span className={classes.note} title={typeof note === 'string' ? note : undefined}>
          {note}
        </span>
        {actions}
        <details
          className={classes.menu}
          ref={menu}
          onBlur={(event) => {
            if (!event.currentTarget.contains(event.relatedTarget)) event.currentTarget.open = false
          }}
          onKeyDown={(event) => {
            if (event.key !== 'Escape' || !event.currentTarget.open) return
            event.stopPropagation()
            close()
            event.currentTarget.querySelector('summary')?.focus()
          }}
        >
          <summary className={classes.button} aria-label={`Download ${title}`} title="Download">
            ⋯
          </summary>
          <div className={classes.choices}>
            {(['png', 'svg', 'csv'] as const).map((kind) => (
              <button key={kind} type="button" className={classes.choice} onClick={() => void give(kind)}>
                {kind === 'csv' ? 'CSV of the points drawn' : `${kind.toUpperCase()} picture`}
              </button>
            ))}
            {allPoints && (
              <a className={classes.choice} href={allPoints} download onClick={close}>
                CSV of all points
              </a>
            )}
          </div>
        </details>
      </header>
      {problem && <p role="alert">{problem}</p>}
      {children}
    </section>
  )
}
