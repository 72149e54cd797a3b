import { Table } from '@mantine/core'
import type { JSX } from 'react'
import classes from './PreviewTable.module.css'

interface Properties {
  readonly columns: readonly string[]
  readonly rows: readonly (readonly string[])[]
  readonly label: string
}

/** The first rows of a table file. */
export function PreviewTable({ columns, rows, label }: Properties): JSX.Element {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, so the keyboard must reach it
    <section className={classes.box} tabIndex={0} aria-label={`Table ${label}`}>
      <Table stickyHeader striped withColumnBorders className={classes.table}>
        <Table.Thead>
          <Table.Tr>
            {columns.map((column, index) => (
              <Table.Th key={index}>{column}</Table.Th>
            ))}
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {rows.map((row, index) => (
            <Table.Tr key={index}>
              {row.map((cell, column) => (
                <Table.Td key={column}>{cell}</Table.Td>
              ))}
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </section>
  )
}
