import { Title } from '@mantine/core'
import type { ReactNode } from 'react'
import classes from './Empty.module.css'

interface Props {
  readonly title: string
  readonly children?: ReactNode
}

/** What a place shows that has nothing in it: why, and what to type. */
export function Empty({ title, children }: Props) {
  return (
    <section className={classes.empty}>
      <Title order={2} size="h4">
        {title}
      </Title>
      <div>{children}</div>
    </section>
  )
}
