import { Anchor } from '@mantine/core'
import { Link } from 'react-router'
import { PageTitle } from '../../parts/PageTitle'

/** What an unknown address of a server shows. */
export function NoServerPage() {
  return (
    <>
      <PageTitle title="There is no such page" />
      <p>
        The address may have been cut short: those of experiments, runs and models begin with /workspaces/ and the name
        of the workspace. Go to{' '}
        <Anchor component={Link} underline="always" to="/workspaces">
          all workspaces
        </Anchor>
        .
      </p>
    </>
  )
}
