import { Text } from '@mantine/core'
import type { JSX } from 'react'

/** Says that there are more than are shown. */
export function LeftOut({ count }: { readonly count: number | undefined }): JSX.Element | null {
  if (!count) return null
  return (
    <Text size="xs" c="dimmed">
      {count.toLocaleString('en')} more are not shown
    </Text>
  )
}
