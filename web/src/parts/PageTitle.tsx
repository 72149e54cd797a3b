import { Title } from '@mantine/core'
import { type ReactNode, useEffect } from 'react'
import classes from './PageTitle.module.css'

interface Props {
  /** Also the tab's title. */
  readonly title: string
  /** Links to where the page belongs. */
  readonly above?: ReactNode
  /** Buttons at the right. */
  readonly children?: ReactNode
}

/** A page's heading. */
export function PageTitle({ title, above, children }: Props) {
  useEffect(() => {
    document.title = `${title} · Milepost`
  }, [title])
  return (
    <div className={classes.bar}>
      <div>
        {above && (
          <nav aria-label="Where this page belongs" className={classes.above}>
            {above}
          </nav>
        )}
        <Title order={1} size="h3">
          {title}
        </Title>
      </div>
      <div className={classes.actions}>{children}</div>
    </div>
  )
}
