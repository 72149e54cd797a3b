import { Anchor, Button, Table, Text } from '@mantine/core'
import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { type JSX, type RefObject, useMemo, useRef } from 'react'
import { Link } from 'react-router'
import { Empty } from '../../parts/Empty'
import { formatBytes, formatCount } from '../../parts/format'
import { Loading } from '../../parts/Loading'
import { Moment } from '../../parts/Moment'
import { PageTitle } from '../../parts/PageTitle'
import { Problem } from '../../parts/Problem'
import { SearchBox } from '../../parts/SearchBox'
import { SortHead } from '../../parts/SortHead'
import { useAddress } from '../../state/address'
import { useKeys } from '../../state/keys'
import { modelPath } from '../../state/names'
import { formatOrder, type Order, parseOrder } from '../../state/order'
import { rowKeys, step } from '../../state/row_keys'
import { useTyped } from '../../state/typed'
import { Aliases } from './Aliases'
import classes from './models.module.css'
import { type ModelEntry, modelsQuery } from './requests'
import { SourceRun } from './SourceRun'
import { sortModels } from './sort_models'

/** The model that was registered last. */
const USUAL_ORDER = '-created'

/** The models, each with its newest version. */
export function ModelTable(): JSX.Element {
  const address = useAddress()
  const search = address.get('search') ?? ''
  const order = parseOrder(address.get('sort'), USUAL_ORDER)
  const [typed, type] = useTyped(address, 'search')
  const input = useRef<HTMLInputElement>(null)
  const box = useRef<HTMLElement>(null)
  useKeys({ '/': { does: 'Search the models', act: () => input.current?.focus() }, ...rowKeys(box, 'model') })
  const query = useQuery({ ...modelsQuery(search), placeholderData: keepPreviousData })
  const models = query.data?.models ?? []
  const total = query.data?.total ?? 0
  return (
    <>
      <PageTitle title="Models">
        <SearchBox ref={input} label="Search models" value={typed} onType={type} onDown={() => step(box.current, 1)} />
      </PageTitle>
      {query.isPending && <Loading what="the models" />}
      {query.isError && (
        <Problem error={query.error} title="The models could not be read" onRetry={() => void query.refetch()} />
      )}
      <p className={classes.total} role="status">
        {total > 0 && formatCount(total, 'model')}
        {total > models.length && `, of which ${models.length} are listed: search for the others`}
      </p>
      {query.isSuccess &&
        models.length === 0 &&
        (search === '' ? (
          <NoModels />
        ) : (
          <Empty title="No model has this name">
            <p>No model has “{search}” in its name.</p>
            <Button variant="default" onClick={() => address.set({ search: null }, { push: true })}>
              Clear the search
            </Button>
          </Empty>
        ))}
      {models.length > 0 && (
        <Rows
          box={box}
          models={models}
          order={order}
          onOrder={(next) => address.set({ sort: formatOrder(next, USUAL_ORDER) })}
        />
      )}
    </>
  )
}

interface RowsProps {
  readonly box: RefObject<HTMLElement | null>
  readonly models: readonly ModelEntry[]
  readonly order: Order
  readonly onOrder: (order: Order) => void
}

function Rows({ box, models, order, onOrder }: RowsProps): JSX.Element {
  const head = { order, onOrder }
  const sorted = useMemo(() => sortModels(models, order), [models, order])
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, so the keyboard must reach it
    <section ref={box} className={classes.box} tabIndex={0} aria-label="Models">
      <Table highlightOnHover className={classes.table}>
        <Table.Thead>
          <Table.Tr>
            <SortHead {...head} by="name" label="Model" className={classes.name} />
            <SortHead {...head} by="versions" label="Version" fallsFirst />
            <Table.Th className={classes.wide}>Aliases</Table.Th>
            <Table.Th className={classes.wide}>From run</Table.Th>
            <Table.Th className={classes.wide}>Framework</Table.Th>
            <SortHead {...head} by="bytes" label="Size" fallsFirst className={classes.wide} />
            <SortHead {...head} by="created" label="Registered" fallsFirst />
            <Table.Th className={classes.wide}>Tags</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {sorted.map(({ name, versions, latest, aliases }) => (
            <Table.Tr key={name}>
              <Table.Th scope="row" className={classes.name}>
                <Anchor component={Link} to={modelPath(name)} lineClamp={3}>
                  <bdi>{name}</bdi>
                </Anchor>
                {latest.description && (
                  <Text size="sm" c="dimmed" lineClamp={1}>
                    {latest.description}
                  </Text>
                )}
                <div className={classes.narrow}>
                  <SourceRun version={latest} /> <Aliases names={meanings(aliases)} />
                </div>
              </Table.Th>
              <Table.Td className={classes.short}>
                {latest.version}
                {versions > 1 && (
                  <Text span size="sm" c="dimmed">
                    {' '}
                    ({versions} versions)
                  </Text>
                )}
              </Table.Td>
              <Table.Td className={classes.wide}>
                <Aliases names={meanings(aliases)} />
              </Table.Td>
              <Table.Td className={`${classes.wide} ${classes.run}`}>
                <SourceRun version={latest} />
              </Table.Td>
              <Table.Td className={classes.wide}>
                {[latest.framework, latest.framework_version].filter(Boolean).join(' ')}
              </Table.Td>
              <Table.Td className={`${classes.wide} ${classes.short}`}>{formatBytes(latest.bytes)}</Table.Td>
              <Table.Td className={classes.short}>
                <Moment at={latest.created} />
              </Table.Td>
              <Table.Td className={classes.wide}>
                <div className={classes.tags} title={tagText(latest.tags)}>
                  {tagText(latest.tags)}
                </div>
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </section>
  )
}

function meanings(aliases: Readonly<Record<string, number>>): string[] {
  return Object.entries(aliases).map(([alias, version]) => `${alias} → ${version}`)
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
