import { useQuery } from '@tanstack/react-query'
import { workspaceQuery } from '../../api/queries'

/** Whether this server takes changes, and takes them of who is signed in. */
export function useEditable(): boolean {
  const workspace = useQuery(workspaceQuery())
  return workspace.data !== undefined && !workspace.data.read_only && workspace.data.role !== 'reader'
}
