import { Tabs } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { type ComponentType, type JSX, lazy, Suspense } from 'react'
import { useParams } from 'react-router'
import { useLive } from '../../api/live'
import { runQuery } from '../../api/queries'
import type { RunDetail } from '../../api/types'
import { Loading } from '../../parts/Loading'
import { PageTitle } from '../../parts/PageTitle'
import { Problem } from '../../parts/Problem'
import { useAddress } from '../../state/address'
import { RunHeader } from './header/RunHeader'
import classes from './index.module.css'

type TabPage = ComponentType<{ readonly run: RunDetail }>

interface TabEntry {
  readonly name: string
  readonly label: string
  readonly Page: TabPage
}

const TABS: readonly TabEntry[] = [
  { name: 'details', label: 'Details', Page: lazy(() => import('./details')) },
  { name: 'metrics', label: 'Metrics', Page: lazy(() => import('./metrics')) },
  { name: 'images', label: 'Images', Page: lazy(() => import('./images')) },
  { name: 'children', label: 'Child runs', Page: lazy(() => import('./children')) },
  { name: 'files', label: 'Outputs + logs', Page: lazy(() => import('./files')) },
  { name: 'snapshot', label: 'Snapshot', Page: lazy(() => import('./snapshot')) },
  { name: 'monitoring', label: 'Monitoring', Page: lazy(() => import('./monitoring')) },
]

/** A run: what is known of it, by tabs. The address holds the tab and what is open in it. */
export default function RunPage(): JSX.Element {
  const { runId = '' } = useParams()
  const address = useAddress()
  const query = useQuery(runQuery(runId))
  useLive({ runId })

  if (query.isPending) return <Loading what="the run" />
  if (query.isError) {
    return (
      <>
        <PageTitle title="Run" />
        <Problem error={query.error} title="The run could not be read" onRetry={() => void query.refetch()} />
      </>
    )
  }
  const run = query.data
  const asked = address.get('tab')
  const shown = TABS.find((tab) => tab.name === asked)?.name ?? 'details'
  return (
    <>
      <RunHeader run={run} />
      <Tabs
        value={shown}
        keepMounted={false}
        onChange={(tab) => address.set(changesTo(tab ?? 'details'), { push: true })}
        className={classes.tabs}
      >
        <Tabs.List className={classes.list}>
          {TABS.map(({ name, label }) => (
            <Tabs.Tab key={name} value={name}>
              {label}
              {name === 'children' && run.children_total > 0 ? ` (${run.children_total.toLocaleString('en')})` : ''}
            </Tabs.Tab>
          ))}
        </Tabs.List>
        {TABS.map(({ name, label, Page }) => (
          <Tabs.Panel key={name} value={name} className={classes.panel}>
            <Suspense fallback={<Loading what={label} />}>
              <Page run={run} />
            </Suspense>
          </Tabs.Panel>
        ))}
      </Tabs>
    </>
  )
}

/** Another tab begins without what the address says of this one. */
function changesTo(tab: string): Record<string, string | null> {
  const gone = [...new URLSearchParams(window.location.search).keys()].map((name) => [name, null] as const)
  return { ...Object.fromEntries(gone), tab: tab === 'details' ? null : tab }
}
