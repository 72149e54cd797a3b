import { Anchor, Table, Text, TextInput } from '@mantine/core'
import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { type JSX, useRef } from 'react'
import { Link } from 'react-router'
import { Empty } from '../../parts/Empty'
import { formatBytes } from '../../parts/format'
import { Loading } from '../../parts/Loading'
import { Moment } from '../../parts/Moment'
import { PageTitle } from '../../parts/PageTitle'
import { Problem } from '../../parts/Problem'
import { useAddress } from '../../state/address'
import { useKeys } from '../../state/keys'
import { modelPath } from '../../state/names'
import classes from './models.module.css'
import { type ModelEntry, modelsQuery } from './requests'
import { SourceRun } from './SourceRun'

/** The models, each with its newest version. */
export function ModelTable(): JSX.Element {
  const address = useAddress()
  const search = address.get('search') ?? ''
  const input = useRef<HTMLInputElement>(null)
  useKeys({ '/': () => input.current?.focus() })
  const query = useQuery({ ...modelsQuery(search), placeholderData: keepPreviousData })
  const models = query.data?.models ?? []
  return (
    <>
      <PageTitle title="Models">
        <TextInput
          ref={input}
          size="xs"
          type="search"
          aria-label="Search models"
          placeholder="Search models ( / )"
          value={search}
          onChange={(event) => address.set({ search: event.currentTarget.value })}
        />
      </PageTitle>
      {query.isPending && <Loading what="the models" />}
      {query.isError && (
        <Problem error={query.error} title="The models could not be read" onRetry={() => void query.refetch()} />
      )}
      {query.isSuccess &&
        models.length === 0 &&
        (search === '' ? <NoModels /> : <Empty title="No model has this name" />)}
      {models.length > 0 && <Rows models={models} total={query.data?.total ?? models.length} />}
    </>
  )
}

function Rows({ models, total }: { readonly models: readonly ModelEntry[]; readonly total: number }): JSX.Element {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, so the keyboard must reach it
    <section className={classes.box} tabIndex={0} aria-label="Models">
      <Table highlightOnHover className={classes.table}>
        <Table.Thead>
          <Table.Tr>
            <Table.Th>Model</Table.Th>
            <Table.Th>Newest version</Table.Th>
            <Table.Th>From run</Table.Th>
            <Table.Th>Framework</Table.Th>
            <Table.Th>Size</Table.Th>
            <Table.Th>Registered</Table.Th>
            <Table.Th>Tags</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {models.map(({ name, versions, latest }) => (
            <Table.Tr key={name}>
              <Table.Td>
                <Anchor component={Link} to={modelPath(name)}>
                  {name}
                </Anchor>
              </Table.Td>
              <Table.Td>
                {latest.version}
                {versions > 1 && (
                  <Text span size="sm" c="dimmed">
                    {' '}
                    of {versions}
                  </Text>
                )}
              </Table.Td>
              <Table.Td>
                <SourceRun version={latest} />
              </Table.Td>
              <Table.Td>{[latest.framework, latest.framework_version].filter(Boolean).join(' ')}</Table.Td>
              <Table.Td>{formatBytes(latest.bytes)}</Table.Td>
              <Table.Td>
                <Moment at={latest.created} />
              </Table.Td>
              <Table.Td className={classes.tags}>{tagText(latest.tags)}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
      {total > models.length && (
        <Text size="sm" c="dimmed">
          and {(total - models.length).toLocaleString('en')} more: search by name
        </Text>
      )}
    </section>
  )
}

function tagText(tags: Readonly<Record<string, string | null>>): string {
  return Object.entries(tags)
    .map(([name, value]) => (value ? `${name}: ${value}` : name))
    .join(', ')
}

function NoModels(): JSX.Element {
  return (
    <Empty title="No models yet">
      <p>A run registers one from its files:</p>
      <pre>
        {'run.upload_file("outputs/model.pkl", "model.pkl")\n'}
        {'run.register_model("diabetes", model_path="outputs/model.pkl")'}
      </pre>
    </Empty>
  )
}
