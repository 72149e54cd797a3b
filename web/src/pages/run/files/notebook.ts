/** Notebooks (nbformat 3 and 4) as cells. They were written by anyone: each part is looked at before it is shown. */

export interface NotebookCell {
  readonly kind: 'code' | 'markdown' | 'raw'
  readonly source: string
  readonly count: number | null
  readonly outputs: readonly NotebookOutput[]
}

export type NotebookOutput =
  | { readonly kind: 'text' | 'error'; readonly text: string }
  /** Base64 of an image that is pixels and nothing else. */
  | { readonly kind: 'image'; readonly type: string; readonly data: string }
  /** What is not shown: its types. */
  | { readonly kind: 'other'; readonly types: readonly string[] }

export interface Notebook {
  readonly language: string
  readonly cells: readonly NotebookCell[]
}

type Json = Readonly<Record<string, unknown>>

const IMAGES = ['image/png', 'image/jpeg', 'image/gif', 'image/webp'] as const
const BASE64 = /^[A-Za-z0-9+/=\s]+$/

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function listOf(value: unknown): readonly unknown[] | null {
  return Array.isArray(value) ? value : null
}

/** Texts stand as one, or as a list of lines. */
function textOf(value: unknown): string {
  if (typeof value === 'string') return value
  return Array.isArray(value) ? value.filter((line) => typeof line === 'string').join('') : ''
}

/** The notebook that a text is; null where it is none. */
export function readNotebook(text: string): Notebook | null {
  let content: unknown
  try {
    content = JSON.parse(text)
  } catch {
    return null
  }
  if (!isObject(content)) return null
  const sheets = Array.isArray(content.worksheets) ? content.worksheets.filter(isObject) : null
  const cells = listOf(content.cells) ?? sheets?.flatMap((sheet) => listOf(sheet.cells) ?? [])
  if (!cells) return null
  const metadata = isObject(content.metadata) ? content.metadata : {}
  const info = isObject(metadata.language_info) ? metadata.language_info : {}
  const spec = isObject(metadata.kernelspec) ? metadata.kernelspec : {}
  return {
    language: textOf(info.name) || textOf(spec.language) || 'python',
    cells: cells.filter(isObject).map(cellOf),
  }
}

function cellOf(cell: Json): NotebookCell {
  const kind = cell.cell_type === 'code' || cell.cell_type === 'markdown' ? cell.cell_type : 'raw'
  const outputs = Array.isArray(cell.outputs) ? cell.outputs.filter(isObject) : []
  return {
    kind,
    source: textOf(cell.source ?? cell.input),
    count: typeof cell.execution_count === 'number' ? cell.execution_count : null,
    outputs: outputs.map(outputOf),
  }
}

function outputOf(output: Json): NotebookOutput {
  if (output.output_type === 'error' || output.output_type === 'pyerr') {
    const trace = Array.isArray(output.traceback) ? output.traceback.filter((line) => typeof line === 'string') : []
    return { kind: 'error', text: trace.join('\n') || `${textOf(output.ename)}: ${textOf(output.evalue)}` }
  }
  if (output.output_type === 'stream') return { kind: 'text', text: textOf(output.text) }
  const data = isObject(output.data) ? output.data : {}
  for (const type of IMAGES) {
    const image = textOf(data[type])
    if (image && BASE64.test(image)) return { kind: 'image', type, data: image.replace(/\s/g, '') }
  }
  const text = textOf(data['text/plain'] ?? output.text)
  return text ? { kind: 'text', text } : { kind: 'other', types: Object.keys(data) }
}
