import { Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import type { JSX } from 'react'
import { request } from '../../../api/http'
import { Loading } from '../../../parts/Loading'
import { Problem } from '../../../parts/Problem'
import { plainText } from '../logs/ansi'
import { CodeBlock } from '../snapshot/CodeBlock'
import classes from './NotebookView.module.css'
import { type NotebookCell, type NotebookOutput, readNotebook } from './notebook'

interface Properties {
  readonly name: string
  readonly digest: string
  readonly address: string
  /** What is shown where it is no notebook after all. */
  readonly otherwise: JSX.Element
}

/** A notebook's cells with what they printed and drew. HTML and SVG in it are not shown: they are documents. */
export function NotebookView({ name, digest, address, otherwise }: Properties): JSX.Element {
  const query = useQuery({
    queryKey: ['notebook', digest, name],
    queryFn: async ({ signal }) => readNotebook(await (await request(address, { signal })).text()),
    staleTime: Number.POSITIVE_INFINITY,
  })
  if (query.isPending) return <Loading what="the notebook" />
  if (query.isError) return <Problem error={query.error} title="The notebook could not be read" />
  const notebook = query.data
  if (notebook === null) return otherwise
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, so the keyboard must reach it
    <section className={classes.notebook} tabIndex={0} aria-label={`Notebook ${name}`}>
      {notebook.cells.map((cell, at) => (
        <Cell key={at} cell={cell} language={notebook.language} />
      ))}
      {notebook.cells.length === 0 && <Text c="dimmed">This notebook has no cells.</Text>}
    </section>
  )
}

function Cell({ cell, language }: { readonly cell: NotebookCell; readonly language: string }): JSX.Element {
  return (
    <div className={classes.cell}>
      <span className={classes.count}>{cell.kind === 'code' ? `[${cell.count ?? ' '}]` : ''}</span>
      <div className={classes.content}>
        {cell.kind === 'code' ? (
          <CodeBlock text={cell.source} language={language} />
        ) : (
          <div className={classes.markdown}>{cell.source}</div>
        )}
        {cell.outputs.map((output, at) => (
          <Output key={at} output={output} />
        ))}
      </div>
    </div>
  )
}

function Output({ output }: { readonly output: NotebookOutput }): JSX.Element {
  switch (output.kind) {
    case 'image':
      return <img className={classes.image} src={`data:${output.type};base64,${output.data}`} alt="Output" />
    case 'other':
      return (
        <Text size="sm" c="dimmed">
          {output.types.length > 0 ? `${output.types.join(', ')}: not shown here` : 'Nothing that could be shown'}
        </Text>
      )
    default:
      return (
        <pre className={classes.output} data-kind={output.kind}>
          {plainText(output.text)}
        </pre>
      )
  }
}
