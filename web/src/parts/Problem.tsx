import { Alert, Button } from '@mantine/core'
import { ApiError } from '../api/http'
import { isOnServer } from '../api/place'

interface Props {
  readonly error: unknown
  /** What could not be done, e.g. "The runs could not be read". */
  readonly title: string
  readonly onRetry?: () => void
}

/** An error in its place, with what the server says of it. */
export function Problem({ error, title, onRetry }: Props) {
  const message = error instanceof Error ? error.message : String(error)
  const signIn = error instanceof ApiError && error.status === 401 && !isOnServer()
  return (
    <Alert color="red" variant="outline" title={title} role="alert" my="sm">
      <p>{message}</p>
      {signIn && (
        <p>
          Open the link that <code>milepost portal</code> prints, in this browser.
        </p>
      )}
      {onRetry && (
        <Button size="xs" variant="default" onClick={onRetry}>
          Try again
        </Button>
      )}
    </Alert>
  )
}
