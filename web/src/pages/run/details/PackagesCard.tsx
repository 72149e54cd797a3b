import { CopyButton, ScrollArea, Table, TextInput, UnstyledButton } from '@mantine/core'
import { type JSX, useMemo, useState } from 'react'
import { packageList } from './facts_of'
import { Section } from './Section'

/** The exact packages that the script ran with. */
export function PackagesCard({ packages }: { readonly packages: unknown }): JSX.Element | null {
  const all = useMemo(() => packageList(packages), [packages])
  const [wanted, setWanted] = useState('')
  if (all.length === 0) return null
  const text = wanted.trim().toLowerCase()
  const shown = all.filter((each) => each.name.toLowerCase().includes(text))
  return (
    <Section
      title={`Packages (${all.length})`}
      actions={
        <CopyButton value={all.map((each) => `${each.name}==${each.version}\n`).join('')}>
          {({ copied, copy }) => (
            <UnstyledButton fz="sm" td="underline" onClick={copy}>
              {copied ? 'Copied' : 'Copy as requirements.txt'}
            </UnstyledButton>
          )}
        </CopyButton>
      }
    >
      <TextInput
        size="xs"
        type="search"
        mb="xs"
        aria-label="Find a package"
        placeholder="Find a package"
        value={wanted}
        onChange={(event) => setWanted(event.currentTarget.value)}
      />
      <ScrollArea.Autosize mah={260} viewportProps={{ tabIndex: 0, 'aria-label': 'Packages' }}>
        <Table>
          <Table.Tbody>
            {shown.map((each) => (
              <Table.Tr key={`${each.name} ${each.version}`}>
                <Table.Td>{each.name}</Table.Td>
                <Table.Td>{each.version}</Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </ScrollArea.Autosize>
    </Section>
  )
}
