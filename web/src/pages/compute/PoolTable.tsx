import { Progress, Table, Text } from '@mantine/core'
import type { JSX } from 'react'
import { Moment } from '../../parts/Moment'
import classes from './compute.module.css'
import type { Pool } from './requests'

interface Properties {
  readonly pools: readonly Pool[]
  readonly chosen: string | null
  readonly onChoose: (name: string | null) => void
}

/** The pools with what is at work in them; choosing one shows its queue alone. */
export function PoolTable({ pools, chosen, onChoose }: Properties): JSX.Element {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, so the keyboard must reach it
    <section className={classes.box} tabIndex={0} aria-label="Pools">
      <Table highlightOnHover className={classes.table}>
        <Table.Thead>
          <Table.Tr>
            <Table.Th>Pool</Table.Th>
            <Table.Th>At work</Table.Th>
            <Table.Th>Waiting</Table.Th>
            <Table.Th className={classes.wide}>Kind</Table.Th>
            <Table.Th className={classes.wide}>Size</Table.Th>
            <Table.Th className={classes.wide}>Made</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {pools.map((pool) => {
            const isChosen = pool.name === chosen
            return (
              <Table.Tr key={pool.name} data-chosen={isChosen || undefined} className={classes.row}>
                <Table.Th scope="row" className={classes.pool}>
                  <button
                    type="button"
                    className={classes.name}
                    aria-pressed={isChosen}
                    onClick={() => onChoose(isChosen ? null : pool.name)}
                  >
                    {pool.name}
                  </button>
                  {pool.description && (
                    <Text size="sm" c="dimmed">
                      {pool.description}
                    </Text>
                  )}
                </Table.Th>
                <Table.Td>
                  <Load pool={pool} />
                </Table.Td>
                <Table.Td>{pool.waiting.toLocaleString('en')}</Table.Td>
                <Table.Td className={classes.wide}>{pool.kind === 'local' ? 'this machine' : pool.kind}</Table.Td>
                <Table.Td className={classes.wide}>{pool.vm_size}</Table.Td>
                <Table.Td className={classes.wide}>
                  <Moment at={pool.created} />
                </Table.Td>
              </Table.Tr>
            )
          })}
        </Table.Tbody>
      </Table>
      {pools.length <= 1 && (
        <div className={classes.hint}>
          <p>There is no pool yet. A pool lets so many runs at a time, and the others wait for their turn:</p>
          <pre>{`from azureml.core.compute import AmlCompute, ComputeTarget

limits = AmlCompute.provisioning_configuration(vm_size="any", max_nodes=2)
ComputeTarget.create(ws, "cpu-cluster", limits)`}</pre>
        </div>
      )}
    </section>
  )
}

function Load({ pool }: { readonly pool: Pool }): JSX.Element {
  if (pool.max_nodes === null) return <>{pool.running}</>
  const share = pool.max_nodes === 0 ? 0 : (100 * pool.running) / pool.max_nodes
  return (
    <div className={classes.load}>
      <span>
        {pool.running} of {pool.max_nodes}
      </span>
      <Progress value={Math.min(100, share)} aria-label={`At work in ${pool.name}`} className={classes.bar} />
    </div>
  )
}
