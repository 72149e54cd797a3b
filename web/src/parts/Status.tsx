import classes from './Status.module.css'

const KIND: Readonly<Record<string, string>> = {
  Completed: 'good',
  Finished: 'good',
  Failed: 'bad',
  NotResponding: 'bad',
  Canceled: 'off',
  CancelRequested: 'off',
  Running: 'busy',
  Finalizing: 'busy',
}

interface Props {
  readonly status: string
  /** How many runs have it, where it stands for several. */
  readonly count?: number
}

/** A run's status: a shape and a word, so that it does not hang on colour alone. */
export function Status({ status, count }: Props) {
  return (
    <span className={classes.status} data-kind={KIND[status] ?? 'waiting'}>
      <span className={classes.mark} aria-hidden="true" />
      {count === undefined ? status : `${count.toLocaleString('en')} ${status}`}
    </span>
  )
}
