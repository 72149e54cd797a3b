import { Tabs } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { type JSX, useEffect, useRef } from 'react'
import { useParams } from 'react-router'
import { useLive } from '../../api/live'
import { runQuery } from '../../api/queries'
import { Loading } from '../../parts/Loading'
import { PageTitle } from '../../parts/PageTitle'
import { Problem } from '../../parts/Problem'
import { useAddress } from '../../state/address'
import { RunHeader } from './header/RunHeader'
import classes from './index.module.css'
import { tabNamed, tabsOf } from './tabs'

/** A run: what is known of it, by tabs. The address holds the tab and what is open in it. */
export default function RunPage(): JSX.Element {
  const { runId = '' } = useParams()
  const address = useAddress()
  const query = useQuery(runQuery(runId))
  useLive({ runId })
  const list = useRef<HTMLDivElement>(null)
  const shown = tabNamed(address.get('tab'))
  const isThere = query.data !== undefined
  // On a narrow screen the tabs scroll: the chosen one must be seen.
  // biome-ignore lint/correctness/useExhaustiveDependencies: it is another one where the tab is another one
  useEffect(() => {
    if (isThere)
      list.current?.querySelector('[aria-selected="true"]')?.scrollIntoView({ block: 'nearest', inline: 'center' })
  }, [shown, isThere])

  if (query.isPending) return <Loading what="the run" />
  if (query.data === undefined) {
    return (
      <>
        <PageTitle title="Run" />
        <Problem error={query.error} title="The run could not be read" onRetry={() => void query.refetch()} />
      </>
    )
  }
  const run = query.data
  const tabs = tabsOf(run)
  return (
    <>
      <RunHeader run={run} />
      <Tabs
        value={shown}
        keepMounted={false}
        onChange={(tab) => address.set(changesTo(tab ?? 'details'), { push: true })}
        className={classes.tabs}
      >
        <Tabs.List ref={list} className={classes.list}>
          {tabs.map(({ name, label }) => (
            <Tabs.Tab key={name} value={name}>
              {label}
              {name === 'children' && run.children_total > 0 ? ` (${run.children_total.toLocaleString('en')})` : ''}
            </Tabs.Tab>
          ))}
        </Tabs.List>
        {tabs.map(({ name, Page }) => (
          <Tabs.Panel key={name} value={name} className={classes.panel}>
            <Page run={run} />
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
