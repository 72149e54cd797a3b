import { useQuery } from '@tanstack/react-query'
import { type ReactNode, useEffect } from 'react'
import { ApiError } from '../api/http'
import { isOnServer, placeKind } from '../api/place'
import { sessionQuery, workspaceQuery } from '../api/queries'
import { Loading } from '../parts/Loading'
import { signInAddress } from '../state/sign_in'
import { NoWorkspace } from './NoWorkspace'

/** On a server: the page for who is signed in and may see the workspace; others are led to where they can be. */
export function Guarded({ children }: { readonly children: ReactNode }) {
  const session = useQuery(sessionQuery())
  const workspace = useQuery({ ...workspaceQuery(), enabled: placeKind() === 'workspace' })
  const isStranger = session.data?.account === null
  // A page that was shown already stays, with a notice: there may be something typed in it.
  const isLost = isStranger && workspace.data === undefined
  useEffect(() => {
    if (isLost) location.replace(signInAddress(location))
  }, [isLost])
  if (!isOnServer()) return children
  if (isLost) return <Loading what="the sign-in page" />
  if (workspace.error instanceof ApiError && workspace.error.status === 404) return <NoWorkspace />
  return children
}
