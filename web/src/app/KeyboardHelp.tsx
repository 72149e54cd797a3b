import { Kbd, Modal, Switch, Table } from '@mantine/core'
import { useState } from 'react'
import { areSingleKeysOn, listKeys, setSingleKeys } from '../state/keys'
import classes from './KeyboardHelp.module.css'

interface Props {
  readonly opened: boolean
  readonly onClose: () => void
}

/** Which keys there are on the page that is open. */
export function KeyboardHelp({ opened, onClose }: Props) {
  return (
    <Modal opened={opened} onClose={onClose} title="Keyboard" closeButtonProps={{ 'aria-label': 'Close' }}>
      <KeyList />
    </Modal>
  )
}

function KeyList() {
  // What works now is known when the list is opened.
  const [keys] = useState(listKeys)
  const [on, setOn] = useState(areSingleKeysOn)
  return (
    <>
      <Table withRowBorders={false} className={classes.keys}>
        <caption className="sr-only">Keys on this page</caption>
        <Table.Tbody>
          {keys.map(([name, does]) => (
            <Table.Tr key={name}>
              <Table.Th scope="row" w={120}>
                {parts(name).map((part) => (
                  <Kbd key={part}>{part}</Kbd>
                ))}
              </Table.Th>
              <Table.Td>{does}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
      <Switch
        mt="md"
        label="Keys of one character"
        description="Off for those who dictate, or whose keys are taken by another program. This browser remembers it."
        checked={on}
        onChange={(event) => {
          setOn(event.currentTarget.checked)
          setSingleKeys(event.currentTarget.checked)
        }}
      />
    </>
  )
}

/** "X" is typed with Shift; "Escape" stands on keyboards as "Esc". */
function parts(name: string): string[] {
  if (/^[A-Z]$/.test(name)) return ['Shift', name]
  return name.split(' ').map((part) => (part === 'Escape' ? 'Esc' : part))
}
