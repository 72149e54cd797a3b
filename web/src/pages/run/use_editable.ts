import { useQuery } from '@tanstack/react-query'
import { workspaceQuery } from '../../api/queries'

/** Whether this server takes changes. */
export function useEditable(): boolean {
  const workspace = useQuery(workspaceQuery())
  return workspace.data !== undefined && !workspace.data.read_only
}
