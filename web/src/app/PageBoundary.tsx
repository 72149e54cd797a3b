import { Button } from '@mantine/core'
import { Component, type ReactNode } from 'react'
import { isOnServer } from '../api/place'
import { ask, currentReach, onReach } from '../api/reach'
import { PageTitle } from '../parts/PageTitle'

interface Props {
  readonly children: ReactNode
}

interface State {
  readonly error: Error | null
}

const RELOADED = 'milepost-reloaded'
/** A page that fails to load so soon after it was reloaded is not reloaded again. */
const SOON_MS = 15_000

/** Where a page fails to draw, says so in its place; the rest of the portal stays usable. */
export class PageBoundary extends Component<Props, State> {
  override state: State = { error: null }
  private forget: (() => void) | null = null

  static getDerivedStateFromError(error: unknown): State {
    return { error: error instanceof Error ? error : new Error(String(error)) }
  }

  override componentDidCatch(error: unknown) {
    if (!isUnloaded(error)) return
    this.forget = onReach(() => currentReach() === 'reached' && reloadOnce())
    // It answers, but with other files: it was updated.
    void ask().then((reach) => reach === 'reached' && reloadOnce())
  }

  override componentWillUnmount() {
    this.forget?.()
  }

  override render() {
    const { error } = this.state
    if (!error) return this.props.children
    return (
      <>
        <PageTitle
          title={isUnloaded(error) ? 'A part of this page could not be loaded' : 'This page could not be drawn'}
        />
        <p>
          {isUnloaded(error)
            ? `The portal has ended or was updated since this tab was opened. ${isOnServer() ? 'When it answers again' : 'Start it again with milepost portal'}, the page is loaded again by itself.`
            : `${error.name}: ${error.message}`}
        </p>
        <Button onClick={() => window.location.reload()}>Reload</Button>
      </>
    )
  }
}

function isUnloaded(error: unknown): boolean {
  return error instanceof Error && /dynamically imported module|preload CSS|Importing a module/i.test(error.message)
}

function reloadOnce(): void {
  try {
    const last = Number(sessionStorage.getItem(RELOADED) ?? 0)
    if (Date.now() - last < SOON_MS) return
    sessionStorage.setItem(RELOADED, String(Date.now()))
  } catch {
    return // a browser that keeps nothing: it might go on for ever
  }
  window.location.reload()
}
