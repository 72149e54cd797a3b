import { Button, Select } from '@mantine/core'
import { keepPreviousData, useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useEffect, useRef, useState } from 'react'
import { path, send } from '../../api/http'
import { useLive } from '../../api/live'
import { type ExperimentView, experimentsQuery, USUAL_EXPERIMENTS_ORDER } from '../../api/queries'
import { formatCount } from '../../parts/format'
import { Loading } from '../../parts/Loading'
import { PageTitle } from '../../parts/PageTitle'
import { Problem } from '../../parts/Problem'
import { SearchBox } from '../../parts/SearchBox'
import { useAddress } from '../../state/address'
import { useKeys } from '../../state/keys'
import { formatOrder, parseOrder } from '../../state/order'
import { rowKeys, step } from '../../state/row_keys'
import { useTyped } from '../../state/typed'
import { ExperimentTable } from './ExperimentTable'
import classes from './experiments.module.css'
import { NoExperiments } from './NoExperiments'

const VIEWS: readonly { readonly value: ExperimentView; readonly label: string }[] = [
  { value: 'active', label: 'Active' },
  { value: 'archived', label: 'Archived' },
  { value: 'all', label: 'All' },
]

/** All experiments of the workspace. */
export default function ExperimentsPage() {
  const address = useAddress()
  const view = VIEWS.find(({ value }) => value === address.get('view'))?.value ?? 'active'
  const search = address.get('search') ?? ''
  const order = parseOrder(address.get('sort'), USUAL_EXPERIMENTS_ORDER)
  const [typed, type] = useTyped(address, 'search')
  const box = useRef<HTMLInputElement>(null)
  const table = useRef<HTMLDivElement>(null)
  useLive({})
  const query = useQuery({
    ...experimentsQuery(view, search, formatOrder(order, '') ?? USUAL_EXPERIMENTS_ORDER),
    placeholderData: keepPreviousData,
  })
  const found = query.data?.experiments ?? []
  const total = query.data?.total ?? 0
  const archiving = useArchiving()

  useKeys({
    '/': { does: 'Search the experiments', act: () => box.current?.focus() },
    ...rowKeys(table, 'experiment'),
  })

  return (
    <>
      <PageTitle title="Experiments">
        <SearchBox
          ref={box}
          label="Search experiments"
          value={typed}
          onType={type}
          onDown={() => step(table.current, 1)}
        />
        <Select
          aria-label="Which experiments"
          data={VIEWS}
          value={view}
          allowDeselect={false}
          w={120}
          onChange={(value) => address.set({ view: value === 'active' ? null : value }, { push: true })}
        />
      </PageTitle>
      {query.isPending && <Loading what="the experiments" />}
      {query.isError && (
        <Problem title="The experiments could not be read" error={query.error} onRetry={() => query.refetch()} />
      )}
      {archiving.error && <Problem title="The experiment was not changed" error={archiving.error} />}
      <p className={classes.total} role="status">
        {query.isSuccess && total > 0 && formatCount(total, 'experiment')}
        {total > found.length && `, of which ${found.length} are listed: search for the others`}
        {archiving.told && (
          <span className={classes.told}>
            {archiving.told.archived ? 'Archived' : 'Restored'} <bdi>{archiving.told.name}</bdi>.{' '}
            <Button size="compact-sm" variant="default" ref={archiving.undoButton} onClick={archiving.undo}>
              Undo
            </Button>
          </span>
        )}
      </p>
      {query.isSuccess && found.length === 0 && (
        <NoExperiments
          view={view}
          search={search}
          onClear={() => address.set({ search: null }, { push: true })}
          onView={(next) => address.set({ view: next === 'active' ? null : next }, { push: true })}
        />
      )}
      {found.length > 0 && (
        <ExperimentTable
          box={table}
          experiments={found}
          order={order}
          onOrder={(next) => address.set({ sort: formatOrder(next, USUAL_EXPERIMENTS_ORDER) })}
          onArchive={(name, archived) => archiving.archive({ name, archived })}
        />
      )}
    </>
  )
}

interface Archived {
  readonly name: string
  readonly archived: boolean
}

/** Archives and restores experiments, and takes the last of it back. */
function useArchiving() {
  const client = useQueryClient()
  const [told, setTold] = useState<Archived | null>(null)
  const undoButton = useRef<HTMLButtonElement>(null)
  const change = useMutation({
    mutationFn: ({ name, archived }: Archived) => send('PATCH', path`/experiments/${name}`, { archived }),
    onSuccess: (_, done) => {
      setTold(done)
      return client.invalidateQueries({ queryKey: ['experiments'] })
    },
  })
  // The row that had the keyboard is gone.
  useEffect(() => {
    if (told) undoButton.current?.focus()
  }, [told])
  return {
    told,
    error: change.error,
    undoButton,
    archive: change.mutate,
    undo: () => told && change.mutate({ name: told.name, archived: !told.archived }),
  }
}
