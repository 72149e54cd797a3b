import { Kbd, Modal, Table } from '@mantine/core'
import { useState } from 'react'
import { useKeys } from '../state/keys'

const KEYS = [
  ['/', 'Search or filter'],
  ['j', 'Next row'],
  ['k', 'Row before'],
  ['x', 'Choose the row'],
  ['Enter', 'Open the row'],
  ['c', 'Compare the chosen runs'],
  ['Esc', 'Choose none, close'],
  ['?', 'This list'],
] as const

/** `?` shows which keys there are. */
export function KeyboardHelp() {
  const [opened, setOpened] = useState(false)
  useKeys({ '?': () => setOpened(true) })
  return (
    <Modal opened={opened} onClose={() => setOpened(false)} title="Keyboard">
      <Table withRowBorders={false}>
        <Table.Tbody>
          {KEYS.map(([key, what]) => (
            <Table.Tr key={key}>
              <Table.Td w={90}>
                <Kbd>{key}</Kbd>
              </Table.Td>
              <Table.Td>{what}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Modal>
  )
}
