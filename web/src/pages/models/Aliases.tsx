import { Badge } from '@mantine/core'
import type { JSX } from 'react'
import classes from './models.module.css'

/** The names that mean a version now. */
export function Aliases({ names }: { readonly names: readonly string[] }): JSX.Element {
  return (
    <span className={classes.aliases}>
      {names.map((name) => (
        <Badge key={name} variant="light" tt="none" title={name} className={classes.alias}>
          {name}
        </Badge>
      ))}
    </span>
  )
}
