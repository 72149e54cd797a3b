import { Table } from '@mantine/core'
import type { JSX } from 'react'
import classes from './PreviewTable.module.css'

interface Properties {
  readonly columns: readonly string[]
  /** What the columns hold, where that is known. */
  readonly types: readonly string[]
  readonly rows: readonly (readonly string[])[]
  readonly label: string
}

const NUMBERS = /^(integer|number|int|uint|float|double|decimal)/

/** The first rows of a table file. */
export function PreviewTable({ columns, types, rows, label }: Properties): JSX.Element {
  const isNumber = (column: number) => NUMBERS.test(types[column] ?? '') || undefined
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, so the keyboard must reach it
    <section className={classes.box} tabIndex={0} aria-label={`Table ${label}`}>
      <Table stickyHeader striped withColumnBorders className={classes.table}>
        <Table.Thead>
          <Table.Tr>
            {columns.map((column, index) => (
              <Table.Th key={index} data-number={isNumber(index)}>
                {column}
                <span className={classes.type}>{types[index]}</span>
              </Table.Th>
            ))}
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {rows.map((row, index) => (
            <Table.Tr key={index}>
              {row.map((cell, column) => (
                <Table.Td key={column} data-number={isNumber(column)} title={cell.length > 60 ? cell : undefined}>
                  {cell}
                </Table.Td>
              ))}
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </section>
  )
}
