import { Loader } from '@mantine/core'
import classes from './Loading.module.css'

interface Props {
  /** What is being loaded, e.g. "the runs". */
  readonly what: string
}

/** Shown after a moment, so that what comes at once does not flicker. */
export function Loading({ what }: Props) {
  return (
    <div className={classes.loading} role="status">
      <Loader size="sm" aria-hidden="true" />
      <span>Loading {what}…</span>
    </div>
  )
}
