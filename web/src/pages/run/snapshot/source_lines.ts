/** Source text as lines of parts. */

export interface Token {
  readonly text: string
  /** What the part is in its language; null for plain text. */
  readonly kind: string | null
}

export type TokenLine = readonly Token[]

/** Longer texts (characters) are shown without colours: looking for them would take too long. */
export const MOST_COLOURED = 200_000
const LONGEST_COLOURED_LINE = 5_000

const BY_ENDING: Readonly<Record<string, string>> = {
  bash: 'bash',
  c: 'cpp',
  cc: 'cpp',
  cfg: 'ini',
  cpp: 'cpp',
  css: 'css',
  cu: 'cpp',
  diff: 'diff',
  go: 'go',
  h: 'cpp',
  hpp: 'cpp',
  htm: 'xml',
  html: 'xml',
  ini: 'ini',
  ipynb: 'json',
  java: 'java',
  jl: 'julia',
  js: 'javascript',
  json: 'json',
  jsx: 'javascript',
  md: 'markdown',
  mk: 'makefile',
  patch: 'diff',
  py: 'python',
  pyi: 'python',
  pyx: 'python',
  r: 'r',
  rs: 'rust',
  sh: 'bash',
  sql: 'sql',
  svg: 'xml',
  toml: 'ini',
  ts: 'typescript',
  tsx: 'typescript',
  xml: 'xml',
  yaml: 'yaml',
  yml: 'yaml',
  zsh: 'bash',
}

const BY_NAME: Readonly<Record<string, string>> = {
  dockerfile: 'dockerfile',
  makefile: 'makefile',
  pipfile: 'ini',
  '.amlignore': 'bash',
  '.gitignore': 'bash',
}

/** The language of a file by its name; null where it is shown as plain text. */
export function languageOf(name: string): string | null {
  const last = name.slice(name.lastIndexOf('/') + 1).toLowerCase()
  const ending = last.slice(last.lastIndexOf('.') + 1)
  const known = Object.hasOwn(BY_NAME, last)
    ? BY_NAME[last]
    : Object.hasOwn(BY_ENDING, ending)
      ? BY_ENDING[ending]
      : null
  return known ?? null
}

const LANGUAGES: ReadonlySet<string> = new Set([...Object.values(BY_ENDING), ...Object.values(BY_NAME)])

/** A language by its own name; null where it is shown as plain text. */
export function knownLanguage(name: string): string | null {
  const low = name.toLowerCase()
  const short = low === 'c++' ? 'cpp' : low.startsWith('ipython') ? 'python' : low
  return LANGUAGES.has(short) ? short : null
}

/** The lines without colours. */
export function plainLines(text: string): TokenLine[] {
  const lines = text.split(/\r\n|\n|\r/)
  if (lines.length > 1 && lines.at(-1) === '') lines.pop()
  return lines.map((line) => (line === '' ? [] : [{ text: line, kind: null }]))
}

/** Whether a text is short enough to be coloured without making the reader wait. */
export function isColourable(text: string): boolean {
  return text.length <= MOST_COLOURED && !text.split('\n').some((line) => line.length > LONGEST_COLOURED_LINE)
}

/** Which file is shown first: the script that was run by the look of its name, else the first source. */
export function firstSource(names: readonly string[]): string | null {
  const top = names.filter((name) => !name.includes('/') && name.endsWith('.py'))
  return (
    top.find((name) => /^(train|main|run)/.test(name)) ??
    top[0] ??
    names.find((name) => name.endsWith('.py')) ??
    names[0] ??
    null
  )
}
