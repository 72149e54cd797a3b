import { Text, Title } from '@mantine/core'
import { type JSX, type ReactNode, useId } from 'react'
import classes from './Section.module.css'

interface Properties {
  readonly title: string
  /** Beside the title. */
  readonly actions?: ReactNode
  /** What stands in place of the content where there is none. */
  readonly empty?: ReactNode
  readonly children?: ReactNode
}

/** A framed part of a page with a heading. */
export function Section({ title, actions, empty, children }: Properties): JSX.Element {
  const id = useId()
  return (
    <section className={classes.section} aria-labelledby={id}>
      <div className={classes.head}>
        <Title order={2} size="h5" id={id}>
          {title}
        </Title>
        {actions}
      </div>
      {empty ? (
        <Text size="sm" c="dimmed">
          {empty}
        </Text>
      ) : (
        children
      )}
    </section>
  )
}
