import { Select, TextInput } from '@mantine/core'
import { useDebouncedCallback } from '@mantine/hooks'
import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { useRef, useState } from 'react'
import { useNavigate } from 'react-router'
import { useLive } from '../../api/live'
import { type ExperimentView, experimentsQuery } from '../../api/queries'
import { formatCount } from '../../parts/format'
import { Icon } from '../../parts/Icon'
import { Loading } from '../../parts/Loading'
import { PageTitle } from '../../parts/PageTitle'
import { Problem } from '../../parts/Problem'
import { useAddress } from '../../state/address'
import { useKeys } from '../../state/keys'
import { experimentPath } from '../../state/names'
import { ExperimentTable } from './ExperimentTable'
import classes from './experiments.module.css'
import { NoExperiments } from './NoExperiments'

const VIEWS = [
  { value: 'active', label: 'Active' },
  { value: 'archived', label: 'Archived' },
  { value: 'all', label: 'All' },
]

/** All experiments of the workspace. */
export default function ExperimentsPage() {
  const address = useAddress()
  const view = (address.get('view') ?? 'active') as ExperimentView
  const search = address.get('search') ?? ''
  const [typed, setTyped] = useState(search)
  const [active, setActive] = useState(-1)
  const box = useRef<HTMLInputElement>(null)
  const navigate = useNavigate()
  useLive({})
  const query = useQuery({ ...experimentsQuery(view, search), placeholderData: keepPreviousData })
  const found = query.data?.experiments ?? []
  const searchFor = useDebouncedCallback((text: string) => address.set({ search: text }), 200)

  const move = (by: number) => setActive((at) => Math.min(Math.max(at + by, 0), found.length - 1))
  useKeys({
    '/': () => box.current?.focus(),
    j: () => move(1),
    k: () => move(-1),
    Enter: () => {
      const chosen = found[active]
      if (chosen) navigate(experimentPath(chosen.name))
    },
  })

  return (
    <>
      <PageTitle title="Experiments">
        <TextInput
          ref={box}
          aria-label="Search experiments"
          placeholder="Search  ( / )"
          leftSection={<Icon name="search" size={16} />}
          value={typed}
          onChange={(event) => {
            setTyped(event.currentTarget.value)
            searchFor(event.currentTarget.value)
          }}
        />
        <Select
          aria-label="Which experiments"
          data={VIEWS}
          value={view}
          allowDeselect={false}
          w={120}
          onChange={(value) => address.set({ view: value === 'active' ? null : value })}
        />
      </PageTitle>
      {query.isPending && <Loading what="the experiments" />}
      {query.isError && (
        <Problem title="The experiments could not be read" error={query.error} onRetry={() => query.refetch()} />
      )}
      {query.isSuccess && found.length === 0 && <NoExperiments view={view} search={search} />}
      {found.length > 0 && (
        <>
          <p className={classes.total}>{formatCount(found.length, 'experiment')}</p>
          <ExperimentTable experiments={found} active={active} />
        </>
      )}
    </>
  )
}
