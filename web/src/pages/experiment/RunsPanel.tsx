import { Button } from '@mantine/core'
import { useDebouncedValue } from '@mantine/hooks'
import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { lazy, Suspense, useCallback, useMemo, useRef, useState } from 'react'
import { useNavigate } from 'react-router'
import { useLive } from '../../api/live'
import { columnsQuery } from '../../api/queries'
import { formatCount } from '../../parts/format'
import { Loading } from '../../parts/Loading'
import { Problem } from '../../parts/Problem'
import { joinList } from '../../state/address'
import { useKeys } from '../../state/keys'
import { comparePath, runPath } from '../../state/names'
import { BulkBar, MOST_COMPARED } from './BulkBar'
import { askedColumns, splitColumn } from './columns'
import classes from './experiment.module.css'
import { errorPosition, FilterBox, type FilterHandle } from './FilterBox'
import { withCondition } from './filter_words'
import { GroupTable, groupCondition } from './GroupTable'
import { NoRuns } from './NoRuns'
import { RunsTable } from './RunsTable'
import { Toolbar } from './Toolbar'
import { useChoice } from './use_choice'
import { type RunsQuery, STEP, useRuns } from './use_runs'
import { useSparklines } from './use_sparklines'
import { formatSort, useRunsView } from './view'

const SETTLE_MS = 120
const ChartsPanel = lazy(() => import('./ChartsPanel'))

interface Props {
  readonly experiment: string
}

/** The runs of an experiment: filter, table, groups, charts, and what can be done with them. */
export function RunsPanel({ experiment }: Props) {
  const known = useQuery({ ...columnsQuery(experiment), placeholderData: keepPreviousData })
  const { view, address } = useRunsView(known.data)
  const filter = groupFilter(view.filter, view.group, view.inGroup)
  const query = useMemo<RunsQuery>(
    () => ({
      experiment,
      filter,
      order_by: view.sort,
      descending: view.descending,
      columns: joinList(askedColumns(view.columns)),
      children: view.children,
      archived: view.archived,
    }),
    [experiment, filter, view],
  )
  useLive({ experiment })
  // Which columns are usual is known with the metrics: without them the rows would be asked for twice.
  const runs = useRuns(query, address.get('columns') !== null || !known.isPending)
  const choice = useChoice(runs.rows, address)
  const [active, setActive] = useState(-1)
  const [seen, setSeen] = useState({ first: 0, last: 0 })
  const filterBox = useRef<FilterHandle>(null)
  const navigate = useNavigate()
  // Rows that only fly past get no small charts.
  const [settled] = useDebouncedValue(seen, SETTLE_MS)
  const lines = useSparklines(experiment, runs.rows, view.columns, settled, view.sparklines)

  const { show } = runs
  const onShow = useCallback(
    (first: number, last: number) => {
      show(first, last)
      const next = { first: Math.floor(first / STEP) * STEP, last: Math.ceil(last / STEP) * STEP }
      setSeen((old) => (old.first === next.first && old.last === next.last ? old : next))
    },
    [show],
  )
  const move = (by: number) => setActive((at) => Math.min(Math.max(at + by, 0), runs.rows.length - 1))
  const sortBy = (column: string) => {
    const descending =
      view.sort === column ? !view.descending : ['created', 'started', 'ended', 'number'].includes(column)
    address.set({ sort: formatSort(column, descending) })
  }
  useKeys({
    '/': () => filterBox.current?.focus(),
    j: () => move(1),
    k: () => move(-1),
    x: () => {
      const row = runs.rows[active]
      if (row) choice.toggle(row.run_id, active + 1, false)
    },
    Enter: () => {
      const row = runs.rows[active]
      if (row) navigate(runPath(row.experiment, row.run_id))
    },
    c: () => {
      if (choice.list.length > 1 && choice.list.length <= MOST_COMPARED) navigate(comparePath(choice.list))
    },
    Escape: choice.clear,
  })

  const total = runs.total ?? runs.rows.length
  const metric = view.columns.find((key) => splitColumn(key)?.kind === 'metrics') ?? ''
  const isBadFilter = errorPosition(runs.error) !== null
  return (
    <>
      <div className={classes.toolbar}>
        <FilterBox
          handle={filterBox}
          filter={view.filter}
          columns={known.data}
          error={runs.error}
          onFilter={(text) => address.set({ filter: text }, { push: true })}
        />
        <Toolbar view={view} known={known.data} address={address} />
      </div>
      {view.group && !isBadFilter && (
        <GroupTable
          experiment={experiment}
          by={view.group}
          filter={view.filter}
          metric={metric}
          open={view.inGroup}
          onOpen={(value) => address.set({ in: value }, { push: true })}
        />
      )}
      {choice.list.length > 0 && (
        <BulkBar chosen={choice.list} archived={view.archived} onDone={runs.reload} onClear={choice.clear} />
      )}
      <p className={classes.total} role="status">
        {runs.isPending ? '' : formatCount(total, 'run')}
        {view.inGroup !== null && view.group && ' in this group'}
        {runs.isStale && (
          <Button size="compact-xs" variant="light" onClick={runs.reload}>
            Runs have changed: show them
          </Button>
        )}
      </p>
      {runs.error && !isBadFilter && (
        <Problem title="The runs could not be read" error={runs.error} onRetry={runs.reload} />
      )}
      <div className={classes.panes}>
        {runs.isPending && !runs.error && <Loading what="the runs" />}
        {!runs.isPending && !runs.error && runs.rows.length === 0 && (
          <NoRuns
            experiment={experiment}
            filter={filter}
            archived={view.archived}
            onClear={() => address.set({ filter: null, in: null })}
          />
        )}
        {runs.rows.length > 0 && (
          <RunsTable
            rows={runs.rows}
            total={Math.max(total, runs.rows.length)}
            columns={view.columns}
            sort={view.sort}
            descending={view.descending}
            chosen={choice.chosen}
            active={active}
            lines={lines}
            sparklines={view.sparklines}
            isOld={runs.isOld}
            onSort={sortBy}
            onChoose={choice.toggle}
            onChooseAll={choice.toggleAll}
            onShow={onShow}
          />
        )}
        {view.charts && runs.rows.length > 0 && (
          <Suspense fallback={<Loading what="the charts" />}>
            <ChartsPanel
              rows={runs.rows}
              chosen={choice.list}
              known={known.data}
              metrics={view.charts}
              address={address}
            />
          </Suspense>
        )}
      </div>
    </>
  )
}

function groupFilter(filter: string, group: string, value: string | null): string {
  if (!group || value === null) return filter
  try {
    return withCondition(filter, groupCondition(group, value))
  } catch {
    return filter // an address that was cut short
  }
}
