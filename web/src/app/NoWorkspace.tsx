import { Anchor } from '@mantine/core'
import { PageTitle } from '../parts/PageTitle'

/** What the pages of a workspace show that is not there, or that who is signed in may not see. */
export function NoWorkspace() {
  return (
    <>
      <PageTitle title="There is no such workspace, or none that you may see" />
      <p>
        The name in the address may be misspelt, the workspace may have been deleted, or you are not one of its members:
        then ask one of its owners. Go to{' '}
        <Anchor href="/workspaces" underline="always">
          all workspaces that you may see
        </Anchor>
        .
      </p>
    </>
  )
}
