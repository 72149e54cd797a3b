import { Anchor } from '@mantine/core'
import { useQueryClient } from '@tanstack/react-query'
import { type ReactNode, useEffect, useRef } from 'react'
import { isOnServer } from '../api/place'
import { type Reach, useReach } from '../api/reach'
import { signInAddress } from '../state/sign_in'
import classes from './ReachNotice.module.css'

/** Says that the portal does not answer and what to do; when it answers again, the page is read again by itself. */
export function ReachNotice() {
  const reach = useReach()
  const client = useQueryClient()
  const before = useRef(reach)
  useEffect(() => {
    if (before.current !== 'reached' && reach === 'reached') void client.invalidateQueries()
    before.current = reach
  }, [reach, client])
  const told = reach === 'reached' ? null : isOnServer() ? ofServer(reach) : ofPortal(reach)
  return (
    <div role="status" className={classes.place}>
      {told && <p className={classes.notice}>{told}</p>}
    </div>
  )
}

function ofPortal(reach: Reach): ReactNode {
  if (reach === 'silent') {
    return (
      <>
        <strong>The portal does not answer.</strong> What is shown may be old. Start it again with{' '}
        <code>milepost portal</code>; this page then goes on by itself.
      </>
    )
  }
  return (
    <>
      <strong>This browser has no valid token of the portal:</strong> every start of the portal has a new one. Open the
      link that <code>milepost portal</code> prints, in this browser; this page then goes on by itself.
    </>
  )
}

function ofServer(reach: Reach): ReactNode {
  if (reach === 'silent') {
    return (
      <>
        <strong>The server does not answer.</strong> What is shown may be old. This page goes on by itself when it
        answers again.
      </>
    )
  }
  return (
    <>
      <strong>You are signed out.</strong> What is shown may be old.{' '}
      <Anchor
        inherit
        underline="always"
        href="/sign-in"
        className={classes.link}
        onClick={(event) => {
          event.preventDefault() // the address may have changed since this was drawn
          location.assign(signInAddress(location))
        }}
      >
        Sign in
      </Anchor>{' '}
      and this page is shown again; or in another tab, to keep what you have typed here.
    </>
  )
}
