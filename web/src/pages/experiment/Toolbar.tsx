import { ActionIcon, Button, Menu, Select, Tooltip } from '@mantine/core'
import type { RunColumns } from '../../api/types'
import { Icon } from '../../parts/Icon'
import type { Address } from '../../state/address'
import { ColumnChooser } from './ColumnChooser'
import { columnLabel, FIXED, KINDS, kindLabel } from './columns'
import type { RunsView } from './view'

interface Props {
  readonly view: RunsView
  readonly known: RunColumns | undefined
  readonly address: Address
  /** Gives the table as CSV. */
  readonly csv: string
  readonly onCharts: (shown: boolean) => void
}

/** What the table shows: grouping, columns, child and archived runs, charts. */
export function Toolbar({ view, known, address, csv, onCharts }: Props) {
  const groups = [
    {
      group: 'Run',
      items: FIXED.filter(({ key }) => GROUPED.includes(key)).map(({ key, label }) => ({ value: key, label })),
    },
    ...KINDS.filter((kind) => kind !== 'metrics').map((kind) => ({
      group: kindLabel(kind),
      items: (known?.[kind] ?? []).map(({ name }) => ({ value: `${kind}.${name}`, label: name })),
    })),
  ].filter(({ items }) => items.length > 0)
  // What the address says may not be known yet, or be nothing that these runs have.
  if (view.group && !groups.some(({ items }) => items.some(({ value }) => value === view.group))) {
    groups.push({ group: 'Other', items: [{ value: view.group, label: columnLabel(view.group) }] })
  }
  const toggle = (name: 'children' | 'archived', on: boolean) =>
    address.set({ [name]: on ? null : 'true' }, { push: true })
  return (
    <>
      <Select
        aria-label="Group runs by"
        placeholder="Group by"
        data={groups}
        value={view.group || null}
        clearable
        searchable
        limit={100}
        w={160}
        nothingFoundMessage="Nothing to group by"
        onChange={(value) => address.set({ group: value, in: null }, { push: true })}
      />
      <ColumnChooser
        known={known}
        chosen={view.columns}
        sparklines={view.sparklines}
        onChange={(columns) => address.set({ columns })}
        onSparklines={(shown) => address.set({ sparklines: shown ? null : 'false' })}
      />
      <Menu position="bottom-end" closeOnItemClick={false}>
        <Menu.Target>
          <Button variant="default">Show</Button>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.CheckboxItem checked={view.children} onChange={() => toggle('children', view.children)}>
            Child runs
          </Menu.CheckboxItem>
          <Menu.CheckboxItem checked={view.archived} onChange={() => toggle('archived', view.archived)}>
            Archived runs only
          </Menu.CheckboxItem>
        </Menu.Dropdown>
      </Menu>
      <Button
        variant={view.charts ? 'filled' : 'default'}
        aria-pressed={view.charts !== null}
        leftSection={<Icon name="chart" size={16} />}
        onClick={() => onCharts(view.charts === null)}
      >
        Charts
      </Button>
      <Tooltip label="Download the table as CSV">
        <ActionIcon
          component="a"
          href={csv}
          download
          variant="default"
          size={36}
          aria-label="Download the table as CSV"
        >
          <Icon name="download" size={16} />
        </ActionIcon>
      </Tooltip>
    </>
  )
}

const GROUPED = ['status', 'type', 'target', 'submitted_by']
