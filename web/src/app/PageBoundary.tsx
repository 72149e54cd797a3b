import { Button } from '@mantine/core'
import { Component, type ReactNode } from 'react'
import { Empty } from '../parts/Empty'

interface Props {
  readonly children: ReactNode
}

interface State {
  readonly error: Error | null
}

/** Where a page fails to draw, says so in its place; the rest of the portal stays usable. */
export class PageBoundary extends Component<Props, State> {
  override state: State = { error: null }

  static getDerivedStateFromError(error: unknown): State {
    return { error: error instanceof Error ? error : new Error(String(error)) }
  }

  override render() {
    const { error } = this.state
    if (!error) return this.props.children
    const gone = /dynamically imported module|preload CSS|Importing a module/i.test(error.message)
    return (
      <Empty title={gone ? 'A part of this page could not be loaded' : 'This page could not be drawn'}>
        <p>
          {gone
            ? 'The portal has ended or was updated since this tab was opened. Start it again with milepost portal, then reload.'
            : `${error.name}: ${error.message}`}
        </p>
        <Button onClick={() => window.location.reload()}>Reload</Button>
      </Empty>
    )
  }
}
