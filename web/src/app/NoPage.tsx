import { Anchor } from '@mantine/core'
import { Link } from 'react-router'
import { PageTitle } from '../parts/PageTitle'

/** What an unknown address shows. */
export function NoPage() {
  return (
    <>
      <PageTitle title="There is no such page" />
      <p>
        The address may have been cut short. Go to{' '}
        <Anchor component={Link} underline="always" to="/experiments">
          all experiments
        </Anchor>
        ,{' '}
        <Anchor component={Link} underline="always" to="/models">
          the models
        </Anchor>{' '}
        or{' '}
        <Anchor component={Link} underline="always" to="/compute">
          compute
        </Anchor>
        .
      </p>
    </>
  )
}
