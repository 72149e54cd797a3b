import { Button, Select, Table } from '@mantine/core'
import { useInfiniteQuery, useQuery } from '@tanstack/react-query'
import { Empty } from '../../parts/Empty'
import { formatDate } from '../../parts/format'
import { Loading } from '../../parts/Loading'
import { PageTitle } from '../../parts/PageTitle'
import { Problem } from '../../parts/Problem'
import { useAddress } from '../../state/address'
import { auditQuery, type Deed, workspacesQuery } from './requests'
import classes from './server.module.css'

/** What was done on this server, and by whom; for its administrators. */
export function Audit() {
  const address = useAddress()
  const workspace = address.get('workspace') ?? ''
  const workspaces = useQuery(workspacesQuery())
  const query = useInfiniteQuery(auditQuery(workspace))
  const deeds = query.data?.pages.flatMap((page) => page.deeds) ?? []
  const names = (workspaces.data?.workspaces ?? []).map(({ name }) => name)
  const offered = workspace && !names.includes(workspace) ? [workspace, ...names] : names
  return (
    <>
      <PageTitle title="Audit log">
        <Select
          aria-label="Of which workspace"
          data={[{ value: '', label: 'The whole server' }, ...offered.map((name) => ({ value: name, label: name }))]}
          searchable={offered.length > 8}
          allowDeselect={false}
          w={220}
          value={workspace}
          onChange={(value) => address.set({ workspace: value }, { push: true })}
        />
        <Button variant="default" loading={query.isRefetching} onClick={() => query.refetch()}>
          Read again
        </Button>
      </PageTitle>
      {query.isPending && <Loading what="the audit log" />}
      {query.isError && (
        <Problem title="The audit log could not be read" error={query.error} onRetry={() => query.refetch()} />
      )}
      {query.isSuccess && deeds.length === 0 && (
        <Empty title="Nothing was done yet">
          <p>Sign-ins, refusals, and what changes who may do what, are listed here; so is what was deleted.</p>
        </Empty>
      )}
      {deeds.length > 0 && (
        <>
          {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, so the keyboard must reach it */}
          <section className={classes.box} tabIndex={0} aria-label="What was done">
            <Table verticalSpacing="xs">
              <Table.Thead>
                <Table.Tr>
                  <Table.Th>When</Table.Th>
                  <Table.Th>What</Table.Th>
                  <Table.Th>To what</Table.Th>
                  <Table.Th>By</Table.Th>
                  <Table.Th className={classes.wide}>From</Table.Th>
                  <Table.Th className={classes.wide}>Workspace</Table.Th>
                  <Table.Th className={classes.wide}>More</Table.Th>
                </Table.Tr>
              </Table.Thead>
              <Table.Tbody>
                {deeds.map((deed) => (
                  <Line key={deed.key} deed={deed} />
                ))}
              </Table.Tbody>
            </Table>
          </section>
          {query.hasNextPage ? (
            <Button mt="md" variant="default" loading={query.isFetchingNextPage} onClick={() => query.fetchNextPage()}>
              Older ones
            </Button>
          ) : (
            <p className={classes.note}>That is all.</p>
          )}
        </>
      )}
    </>
  )
}

function Line({ deed }: { readonly deed: Deed }) {
  const more = Object.entries(deed.detail)
    .map(([name, value]) => `${name}: ${typeof value === 'string' ? value : JSON.stringify(value)}`)
    .join(', ')
  return (
    <Table.Tr>
      <Table.Td className={classes.when} title={deed.at}>
        {formatDate(deed.at)}
      </Table.Td>
      <Table.Td>{deed.action}</Table.Td>
      <Table.Td className={classes.text}>{deed.subject}</Table.Td>
      <Table.Td className={classes.text}>{deed.account || 'nobody'}</Table.Td>
      <Table.Td className={classes.wide}>{deed.address}</Table.Td>
      <Table.Td className={classes.wide}>{deed.workspace}</Table.Td>
      <Table.Td className={`${classes.wide} ${classes.note}`}>{more}</Table.Td>
    </Table.Tr>
  )
}
