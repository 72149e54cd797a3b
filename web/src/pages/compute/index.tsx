import { useQuery } from '@tanstack/react-query'
import type { JSX } from 'react'
import { useChanges } from '../../api/live'
import { queryClient } from '../../api/queries'
import { Loading } from '../../parts/Loading'
import { PageTitle } from '../../parts/PageTitle'
import { Problem } from '../../parts/Problem'
import { useAddress } from '../../state/address'
import { PoolTable } from './PoolTable'
import { QueueTable } from './QueueTable'
import { poolsQuery, queueQuery } from './requests'

/** Where runs are sent to, and those that are on their way. */
export default function ComputePage(): JSX.Element {
  const address = useAddress()
  const target = address.get('pool')
  const pools = useQuery(poolsQuery())
  const queue = useQuery(queueQuery(target))
  useChanges({}, () => void queryClient.invalidateQueries({ queryKey: ['compute'] }))
  return (
    <>
      <PageTitle title="Compute" />
      {pools.isPending && <Loading what="the pools" />}
      {pools.isError && (
        <Problem error={pools.error} title="The pools could not be read" onRetry={() => void pools.refetch()} />
      )}
      {pools.data && (
        <PoolTable
          pools={pools.data.pools}
          chosen={target}
          onChoose={(name) => address.set({ pool: name }, { push: true })}
        />
      )}
      {queue.isPending && <Loading what="the queue" />}
      {queue.isError && (
        <Problem error={queue.error} title="The queue could not be read" onRetry={() => void queue.refetch()} />
      )}
      {queue.data && (
        <QueueTable
          runs={queue.data.runs}
          total={queue.data.total}
          target={target}
          onAll={() => address.set({ pool: null }, { push: true })}
        />
      )}
    </>
  )
}
