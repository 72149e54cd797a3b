import { Alert, Anchor, CopyButton, UnstyledButton } from '@mantine/core'
import type { JSX } from 'react'
import { Link } from 'react-router'
import classes from './ErrorBox.module.css'
import { errorText } from './facts_of'

interface Properties {
  readonly error: Readonly<Record<string, unknown>>
  readonly status: string
  /** Where the run's logs are shown. */
  readonly logs: string
}

const TITLES: Readonly<Record<string, string>> = {
  Canceled: 'The run was canceled',
  Failed: 'The run failed',
  NotResponding: 'The run does not respond',
}

/** Why the run ended as it did: the sentence first, the traceback below. */
export function ErrorBox({ error, status, logs }: Properties): JSX.Element {
  const { message, where, details, code } = errorText(error)
  const title = TITLES[status] ?? 'An error'
  return (
    <Alert color={status === 'Failed' ? 'red' : 'gray'} variant="outline" title={title} mb="md">
      <p className={classes.message}>{message || code || 'Nothing is known of the reason.'}</p>
      {where && <p className={classes.where}>At {where}</p>}
      <Anchor component={Link} to={logs} size="sm">
        Outputs and logs
      </Anchor>
      {details && (
        <details open={details.length < 4000}>
          <summary>{details.includes('Traceback') ? 'Traceback' : 'Details'}</summary>
          {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, so the keyboard must reach it */}
          <pre className={classes.details} tabIndex={0}>
            {details}
          </pre>
          <CopyButton value={`${message}\n\n${details}`}>
            {({ copied, copy }) => (
              <UnstyledButton className={classes.copy} onClick={copy}>
                {copied ? 'Copied' : 'Copy'}
              </UnstyledButton>
            )}
          </CopyButton>
        </details>
      )}
    </Alert>
  )
}
