import { Anchor } from '@mantine/core'
import { useEffect } from 'react'
import { Link } from 'react-router'
import { Empty } from '../parts/Empty'

/** What an unknown address shows. */
export function NoPage() {
  useEffect(() => {
    document.title = 'No such page · Milepost'
  }, [])
  return (
    <Empty title="There is no such page">
      The address may have been cut short.{' '}
      <Anchor component={Link} to="/experiments">
        All experiments
      </Anchor>
    </Empty>
  )
}
