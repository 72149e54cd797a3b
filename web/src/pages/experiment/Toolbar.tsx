import { Button, Menu, Select } from '@mantine/core'
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
}

/** What the table shows: grouping, columns, child and archived runs, charts. */
export function Toolbar({ view, known, address }: Props) {
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
  const toggle = (name: 'children' | 'archived', on: boolean) => address.set({ [name]: on ? null : 'true' })
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
        w={150}
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
          <Menu.Item
            leftSection={<Tick on={view.children} />}
            role="menuitemcheckbox"
            aria-checked={view.children}
            onClick={() => toggle('children', view.children)}
          >
            Child runs
          </Menu.Item>
          <Menu.Item
            leftSection={<Tick on={view.archived} />}
            role="menuitemcheckbox"
            aria-checked={view.archived}
            onClick={() => toggle('archived', view.archived)}
          >
            Archived runs only
          </Menu.Item>
        </Menu.Dropdown>
      </Menu>
      <Button
        variant={view.charts ? 'light' : 'default'}
        aria-pressed={view.charts !== null}
        leftSection={<Icon name="chart" size={16} />}
        onClick={() => address.set({ chart: view.charts ? null : 'auto' })}
      >
        Charts
      </Button>
      {view.group && <span className="sr-only">Grouped by {columnLabel(view.group)}</span>}
    </>
  )
}

const GROUPED = ['status', 'type', 'target', 'submitted_by']

function Tick({ on }: { readonly on: boolean }) {
  return on ? <Icon name="check" size={16} /> : <span style={{ display: 'inline-block', width: 16 }} />
}
