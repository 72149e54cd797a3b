import { Button } from '@mantine/core'
import { useDebouncedValue } from '@mantine/hooks'
import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { useCallback, useMemo, useRef, useState } from 'react'
import { useNavigate } from 'react-router'
import { ApiError, apiUrl } from '../../api/http'
import { useLive } from '../../api/live'
import { columnsQuery } from '../../api/queries'
import type { Experiment } from '../../api/types'
import { formatCount } from '../../parts/format'
import { Loading } from '../../parts/Loading'
import { later } from '../../parts/later'
import { Problem } from '../../parts/Problem'
import { joinList } from '../../state/address'
import { comparePath, runPath } from '../../state/names'
import { formatOrder } from '../../state/order'
import { useEditable } from '../run/use_editable'
import { allRunIds } from './all_runs'
import { BulkBar, MOST_COMPARED } from './BulkBar'
import { askedColumns } from './columns'
import classes from './experiment.module.css'
import { errorPosition, FilterBox, type FilterHandle } from './FilterBox'
import { withCondition } from './filter_words'
import { GroupTable, groupCondition } from './GroupTable'
import { NoRuns } from './NoRuns'
import { RunsTable } from './RunsTable'
import { Toolbar } from './Toolbar'
import { useChoice } from './use_choice'
import { useColumnActions } from './use_column_actions'
import { useDrawn } from './use_drawn'
import { useRunKeys } from './use_run_keys'
import { type RunsQuery, STEP, useRuns } from './use_runs'
import { useSparklines } from './use_sparklines'
import { USUAL_GROUP_ORDER, useRunsView } from './view'

const SETTLE_MS = 120
const ChartsPanel = later('the charts', () => import('./ChartsPanel'))

interface Props {
  readonly experiment: string
  /** What is known of it; undefined while that is on its way. */
  readonly known: Experiment | undefined
}

/** The runs of an experiment: filter, table, groups, charts, and what can be done with them. */
export function RunsPanel({ experiment, known: about }: Props) {
  const known = useQuery({ ...columnsQuery(experiment), placeholderData: keepPreviousData })
  const { view, address } = useRunsView(known.data)
  const filter = groupFilter(view.filter, view.group, view.inGroup)
  const query = useMemo<RunsQuery>(
    () => ({
      experiment,
      filter,
      order_by: view.order.by,
      descending: view.order.descending,
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
  const [told, setTold] = useState('')
  const [chartsAsked, setChartsAsked] = useState(false)
  const [seen, setSeen] = useState({ first: 0, last: 0 })
  const filterBox = useRef<FilterHandle>(null)
  const status = useRef<HTMLParagraphElement>(null)
  const navigate = useNavigate()
  const isEditable = useEditable()
  // Rows that only fly past get no small charts.
  const [settled] = useDebouncedValue(seen, SETTLE_MS)
  const lines = useSparklines(experiment, runs.rows, view.columns, settled, view.sparklines)
  const drawn = useDrawn(runs.rows, choice.list, view.charts !== null)
  const actions = useColumnActions(view, address)

  const { show } = runs
  const onShow = useCallback(
    (first: number, last: number) => {
      show(first, last)
      const next = { first: Math.floor(first / STEP) * STEP, last: Math.ceil(last / STEP) * STEP }
      setSeen((old) => (old.first === next.first && old.last === next.last ? old : next))
    },
    [show],
  )
  const { active, moves, setActive } = useRunKeys(runs.rows, choice, {
    onFilter: () => filterBox.current?.focus(),
    onOpen: (row) => navigate(runPath(row.experiment, row.run_id)),
    onCompare: (runIds) => {
      if (runIds.length < 2)
        setTold('Choose two runs or more to compare them: x chooses the run that the keyboard is at.')
      else if (runIds.length > MOST_COMPARED) setTold(`Up to ${MOST_COMPARED} runs can be compared.`)
      else navigate(comparePath(runIds))
    },
  })
  const { choose, clear, toggle } = choice
  const onChoose = useCallback(
    (runId: string, range: boolean) => {
      setTold('')
      toggle(runId, range)
    },
    [toggle],
  )
  const onDone = (text: string) => {
    setTold(text)
    runs.reload()
    status.current?.focus({ preventScroll: true }) // what had the focus may be gone
  }

  const total = runs.total ?? runs.rows.length
  const isBadFilter = errorPosition(runs.error) !== null
  const subject = JSON.stringify([query.filter, query.order_by, query.descending, query.children, query.archived])
  return (
    <>
      <div className={classes.toolbar}>
        <FilterBox
          handle={filterBox}
          experiment={experiment}
          filter={view.filter}
          columns={known.data}
          error={runs.error}
          onFilter={(text) => {
            setTold('')
            address.set({ filter: text }, { push: true })
          }}
        />
        <Toolbar
          view={view}
          known={known.data}
          address={address}
          csv={csvAddress(query, view.columns)}
          onCharts={(shown) => {
            setChartsAsked(shown)
            address.set({ chart: shown ? 'auto' : null })
          }}
        />
      </div>
      {view.group && !isBadFilter && (
        <GroupTable
          experiment={experiment}
          by={view.group}
          filter={view.filter}
          childRuns={view.children}
          archived={view.archived}
          columns={view.columns}
          order={view.groupOrder}
          onOrder={(order) => address.set({ groupsort: formatOrder(order, USUAL_GROUP_ORDER) })}
          open={view.inGroup}
          onOpen={(value) => address.set({ in: value }, { push: true })}
        />
      )}
      {/* One row for both, so that the table stays in its place when runs are chosen. */}
      <div className={classes.state} data-chosen={choice.list.length > 0 || undefined}>
        <p ref={status} className={classes.total} role="status" tabIndex={-1}>
          {runs.isPending || runs.error ? '' : formatCount(total, 'run')}
          {view.inGroup !== null && view.group && ' in this group'}
          {!runs.isPending && !runs.error && !filter && hiddenChildren(about, total, view)}
          {told && <strong>{told}</strong>}
          {runs.isStale && (
            <Button size="compact-sm" variant="default" onClick={runs.reload}>
              Runs have changed: show them
            </Button>
          )}
        </p>
        {choice.list.length > 0 && (
          <BulkBar
            chosen={choice.list}
            labels={drawn.labels}
            tags={known.data?.tags.map(({ name }) => name) ?? []}
            total={total}
            archived={view.archived}
            isEditable={isEditable}
            onChooseAll={async () => choose(await allRunIds(query))}
            onDone={onDone}
            onClear={clear}
          />
        )}
      </div>
      {runs.error && !isBadFilter && (
        <>
          <Problem title="The runs could not be read" error={runs.error} onRetry={runs.reload} />
          {isRefused(runs.error) && (
            <Button
              variant="default"
              className={classes.usual}
              onClick={() => address.set({ sort: null, columns: null, group: null, in: null }, { push: true })}
            >
              Show the usual columns in the usual order
            </Button>
          )}
        </>
      )}
      <div className={classes.panes}>
        {runs.isPending && !runs.error && <Loading what="the runs" />}
        {!runs.isPending && !runs.error && runs.rows.length === 0 && (
          <NoRuns
            experiment={experiment}
            filter={filter}
            archived={view.archived}
            childRuns={view.children}
            runs={about?.run_count ?? 0}
            onClear={() => address.set({ filter: null, in: null }, { push: true })}
            onChildren={() => address.set({ children: 'true' }, { push: true })}
            onArchived={() => address.set({ archived: view.archived ? null : 'true' }, { push: true })}
          />
        )}
        {runs.rows.length > 0 && (
          <RunsTable
            rows={runs.rows}
            total={Math.max(total, runs.rows.length)}
            subject={subject}
            columns={view.columns}
            widths={view.widths}
            order={view.order}
            chosen={choice.chosen}
            slots={view.charts === null ? null : drawn.slots}
            active={active}
            moves={moves}
            lines={lines}
            sparklines={view.sparklines}
            isOld={runs.isOld}
            actions={actions}
            onActive={setActive}
            onChoose={onChoose}
            onChooseAll={choice.toggleAll}
            onShow={onShow}
          />
        )}
        {view.charts && runs.rows.length > 0 && (
          <ChartsPanel
            drawn={drawn}
            chosen={choice.list.length}
            known={known.data}
            metrics={view.charts}
            columns={view.columns}
            isAskedFor={chartsAsked}
            address={address}
          />
        )}
      </div>
    </>
  )
}

/** Whether the address asks for what there is not, such as an order by nothing. */
function isRefused(error: Error): boolean {
  return error instanceof ApiError && error.status >= 400 && error.status < 500 && error.status !== 401
}

function groupFilter(filter: string, group: string, value: string | null): string {
  if (!group || value === null) return filter
  try {
    return withCondition(filter, groupCondition(group, value))
  } catch {
    return filter // an address that was cut short
  }
}

function csvAddress(query: RunsQuery, columns: readonly string[]): string {
  return apiUrl('/runs/csv', { ...query, columns: joinList(columns.filter((key) => key !== 'run_id')) })
}

/** How many child runs the table leaves out. */
function hiddenChildren(
  about: Experiment | undefined,
  total: number,
  view: { readonly children: boolean; readonly archived: boolean },
): string {
  if (!about || view.children || view.archived) return ''
  const hidden = Object.values(about.statuses).reduce((sum, count) => sum + count, 0) - total
  return hidden > 0 ? `; ${formatCount(hidden, 'child run')} not listed` : ''
}
