import { Tabs } from '@mantine/core'
import { useQueries } from '@tanstack/react-query'
import { type JSX, useMemo } from 'react'
import { useChanges } from '../../api/live'
import { queryClient, runQuery } from '../../api/queries'
import { createHighlight } from '../../charts/highlight'
import { Empty } from '../../parts/Empty'
import { Loading } from '../../parts/Loading'
import { PageTitle } from '../../parts/PageTitle'
import { Problem } from '../../parts/Problem'
import { useAddress } from '../../state/address'
import { RunPicker } from '../run/snapshot/RunPicker'
import { Chart } from './Charts'
import { Code } from './Code'
import { Differences } from './Differences'
import { Images } from './Images'
import { Overlay } from './Overlay'
import { RunChips } from './RunChips'
import type { ComparedRun } from './runs'

/** The API compares no more. */
const MOST = 50

const VIEWS = [
  { name: 'metrics', label: 'Metrics' },
  { name: 'differences', label: 'Differences' },
  { name: 'code', label: 'Code' },
  { name: 'parallel', label: 'Parallel coordinates' },
  { name: 'scatter', label: 'Scatter' },
  { name: 'images', label: 'Images' },
] as const

/** Several runs side by side. The address names them. */
export default function ComparePage(): JSX.Element {
  const address = useAddress()
  const asked = [...new Set(address.list('runs'))]
  const ids = asked.slice(0, MOST)
  const highlight = useMemo(createHighlight, [])
  const queries = useQueries({ queries: ids.map((id) => runQuery(id)) })
  // One stream for all: they may be of several experiments.
  useChanges({}, (change) => {
    for (const id of ids) {
      if (change.run_ids.length > 0 && !change.run_ids.includes(id)) continue
      for (const key of ['run', 'series']) void queryClient.invalidateQueries({ queryKey: [key, id] })
    }
  })
  const found = queries.map((query) => query.data)
  const known = found.filter((run) => run !== undefined)
  const signature = known.map((run) => `${run.run_id} ${run.name} ${run.status} ${run.number}`).join('\n')
  // biome-ignore lint/correctness/useExhaustiveDependencies: the signature tells all that is taken of them
  const runs = useMemo<ComparedRun[]>(
    () =>
      known.map((run) => ({
        run_id: run.run_id,
        name: run.display_name || run.name || run.run_id,
        number: run.number,
        experiment: run.experiment,
        status: run.status,
        startMs: Date.parse(run.started ?? run.created),
        slot: ids.indexOf(run.run_id),
      })),
    [signature, ids.join('\n')],
  )

  if (ids.length === 0) {
    return (
      <>
        <PageTitle title="Compare" />
        <Empty title="No runs are chosen">
          <p>On the page of an experiment choose two or more runs, and press “Compare” or the key c.</p>
        </Empty>
      </>
    )
  }
  const view = VIEWS.find((each) => each.name === address.get('view'))?.name ?? 'metrics'
  const failed = queries.find((query) => query.isError)
  const experiment = known[0]?.experiment
  return (
    <>
      <PageTitle title={`Compare ${ids.length} ${ids.length === 1 ? 'run' : 'runs'}`}>
        {experiment !== undefined && ids.length < MOST && (
          <RunPicker
            label="Add a run"
            isLabelHidden
            experiment={experiment}
            except={ids}
            value={null}
            onChange={(id) => id && address.set({ runs: [...ids, id] }, { push: true })}
          />
        )}
      </PageTitle>
      {asked.length > MOST && (
        <Problem
          error={new Error(`The address names ${asked.length} runs; the first ${MOST} are shown.`)}
          title="Not all runs are shown"
        />
      )}
      {failed && <Problem error={failed.error} title="A run could not be read" onRetry={() => void failed.refetch()} />}
      <RunChips
        runs={runs}
        highlight={highlight}
        onRemove={(id) => address.set({ runs: ids.filter((each) => each !== id) }, { push: true })}
      />
      {queries.some((query) => query.isPending) ? (
        <Loading what="the runs" />
      ) : (
        <Tabs
          value={view}
          keepMounted={false}
          onChange={(next) => address.set({ view: next === 'metrics' ? null : next }, { push: true })}
        >
          <Tabs.List mb="md">
            {VIEWS.map(({ name, label }) => (
              <Tabs.Tab key={name} value={name}>
                {label}
              </Tabs.Tab>
            ))}
          </Tabs.List>
          <Tabs.Panel value="metrics">
            <Overlay runs={runs} highlight={highlight} />
          </Tabs.Panel>
          <Tabs.Panel value="differences">
            <Differences runs={runs} highlight={highlight} />
          </Tabs.Panel>
          <Tabs.Panel value="code">
            <Code runs={known} />
          </Tabs.Panel>
          <Tabs.Panel value="parallel">
            <Chart kind="parallel" runs={runs} highlight={highlight} />
          </Tabs.Panel>
          <Tabs.Panel value="scatter">
            <Chart kind="scatter" runs={runs} highlight={highlight} />
          </Tabs.Panel>
          <Tabs.Panel value="images">
            <Images runs={runs} />
          </Tabs.Panel>
        </Tabs>
      )}
    </>
  )
}
