/** What the documents of a run say, as names and texts to be shown. Their shape is not relied on: scripts may write any. */

import { formatBytes } from '../../../parts/format'

type Json = unknown
type Dict = Readonly<Record<string, Json>>

export type TextFact = readonly [name: string, value: string]

function isDict(value: Json): value is Dict {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** A value as people read it: texts as they are, all else as JSON. */
export function asText(value: Json): string {
  if (value === null || value === undefined) return ''
  if (typeof value === 'string') return value
  if (typeof value === 'number' || typeof value === 'boolean') return String(value)
  return JSON.stringify(value, null, 2)
}

function field(value: Json, ...names: readonly string[]): Json {
  let found = value
  for (const name of names) found = isDict(found) && Object.hasOwn(found, name) ? found[name] : undefined
  return found
}

function numberOf(value: Json): number | null {
  return typeof value === 'number' && Number.isFinite(value) ? value : null
}

function known(facts: readonly (readonly [string, string | null])[]): TextFact[] {
  return facts.filter((fact): fact is TextFact => fact[1] !== null && fact[1] !== '')
}

export interface ErrorText {
  /** What happened, in a sentence. */
  readonly message: string
  /** Where in the script it was, if that is known. */
  readonly where: string
  readonly details: string
  /** The word for programs. */
  readonly code: string
}

/** An error in words. Azure nests an error in an error; of an exception its name is part of the sentence. */
export function errorText(error: Dict): ErrorText {
  const inner = field(error, 'error')
  const told = isDict(inner) ? inner : error
  const details = field(told, 'details')
  const message = asText(field(told, 'message'))
  const code = asText(field(told, 'code'))
  const trace = Array.isArray(details) && details.length === 0 ? '' : asText(details).trim()
  const isException = code !== '' && new RegExp(`^(?:[\\w.]+\\.)?${code.replace(/[^\w]/g, '\\$&')}\\b`, 'm').test(trace)
  return {
    message: isException && !message.startsWith(code) ? `${code}: ${message}` : message,
    where: trace.includes('Traceback') ? placeOf(trace) : '',
    details: trace,
    code,
  }
}

/** Where the innermost call of a traceback was: the last place that is no library's, else the last one. */
function placeOf(trace: string): string {
  const frames = [...trace.matchAll(/^ {2}File "([^"\n]+)", line (\d+)/gm)]
  const own = frames.filter(([, file = '']) => !/[\\/](site|dist)-packages[\\/]|[\\/]lib[\\/]python|^</.test(file))
  const [, file = '', line = ''] = own.at(-1) ?? frames.at(-1) ?? []
  return file === '' ? '' : `${file.slice(Math.max(file.lastIndexOf('/'), file.lastIndexOf('\\')) + 1)}, line ${line}`
}

export function warningTexts(warnings: readonly Dict[]): string[] {
  return warnings.map((each) => asText(field(each, 'message')) || asText(each))
}

/** Properties as facts; what Milepost keeps there for itself is left out, and git has a place of its own. */
export function otherProperties(properties: Readonly<Record<string, string>>): TextFact[] {
  const hidden = ['_milepost.', 'azureml.git.', 'mlflow.source.git.']
  return Object.entries(properties).filter(([name]) => !hidden.some((prefix) => name.startsWith(prefix)))
}

const GIT_NAMES: Readonly<Record<string, string>> = {
  repository: 'Repository',
  repository_uri: 'Repository',
  branch: 'Branch',
  commit: 'Commit',
  dirty: 'Changed since the commit',
  diff: 'Changes',
}

export function gitFacts(git: Dict | null): TextFact[] {
  if (git === null) return []
  return known(
    Object.entries(git).map(([name, value]) => {
      const short = name.replace(/^(azureml|mlflow\.source)\.git\./, '')
      const isKnown = Object.hasOwn(GIT_NAMES, short)
      return [(isKnown ? GIT_NAMES[short] : undefined) ?? short, yesNo(value)] as const
    }),
  )
}

function yesNo(value: Json): string {
  if (value === true || value === 'True') return 'yes'
  if (value === false || value === 'False') return 'no'
  return asText(value)
}

export function machineFacts(machine: Dict | null): TextFact[] {
  if (machine === null) return []
  const memory = numberOf(field(machine, 'memory', 'bytes'))
  const limit = numberOf(field(machine, 'memory', 'limit_bytes'))
  const disk = numberOf(field(machine, 'disk', 'bytes'))
  const free = numberOf(field(machine, 'disk', 'free_bytes'))
  const gpus = field(machine, 'gpus')
  const system = [
    field(machine, 'os', 'distribution') ?? field(machine, 'os', 'system'),
    field(machine, 'os', 'release'),
  ]
  return known([
    ['Host', asText(field(machine, 'hostname'))],
    ['System', system.map(asText).filter(Boolean).join(', ')],
    ['Architecture', asText(field(machine, 'architecture'))],
    ['Container', field(machine, 'container') === true ? 'yes' : ''],
    ['Processor', asText(field(machine, 'cpu', 'model'))],
    ['Cores', coresText(field(machine, 'cpu'))],
    [
      'Memory',
      memory === null ? '' : formatBytes(memory) + (limit === null ? '' : `, limited to ${formatBytes(limit)}`),
    ],
    ['Disk', disk === null ? '' : formatBytes(disk) + (free === null ? '' : `, ${formatBytes(free)} free`)],
    ['GPUs', Array.isArray(gpus) ? gpus.map(gpuText).join('\n') : ''],
  ])
}

function coresText(cpu: Json): string {
  const logical = numberOf(field(cpu, 'logical_cores'))
  const usable = numberOf(field(cpu, 'usable_cores'))
  if (logical === null) return ''
  return usable === null || usable === logical ? String(logical) : `${usable} of ${logical} usable`
}

function gpuText(gpu: Json): string {
  const memory = numberOf(field(gpu, 'memory_bytes'))
  return [asText(field(gpu, 'name')), memory === null ? '' : formatBytes(memory)].filter(Boolean).join(', ')
}

/** The script with its arguments, as one would type it, and how it was started. */
export function argumentLine(definition: Dict | null): { line: string; facts: TextFact[] } | null {
  if (definition === null) return null
  const command = field(definition, 'command')
  const script = asText(field(definition, 'script'))
  const given = field(definition, 'arguments')
  const words = Array.isArray(given) ? given.map((each) => quoted(asText(each))) : []
  const line = command
    ? Array.isArray(command)
      ? command.map((each) => quoted(asText(each))).join(' ')
      : asText(command)
    : [script, ...words].filter(Boolean).join(' ')
  if (line === '') return null
  const nodes = numberOf(field(definition, 'nodeCount'))
  return {
    line,
    facts: known([
      ['Framework', asText(field(definition, 'framework'))],
      ['Nodes', nodes === null || nodes === 1 ? '' : String(nodes)],
    ]),
  }
}

/** A word as a shell takes it. */
function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`
}

export interface Package {
  readonly name: string
  readonly version: string
}

export function packageList(packages: Json): Package[] {
  if (!Array.isArray(packages)) return []
  return packages
    .map((each: Json) => ({ name: asText(field(each, 'name')), version: asText(field(each, 'version')) }))
    .filter((each) => each.name !== '')
    .sort((a, b) => a.name.localeCompare(b.name))
}

/** What an environment's definition asks for, in a few words. */
export function environmentFacts(definition: Dict): TextFact[] {
  const python = field(definition, 'python')
  const dependencies = field(python, 'condaDependencies', 'dependencies')
  const lines = (Array.isArray(dependencies) ? dependencies : []).flatMap((each: Json) => {
    const pip = field(each, 'pip')
    return Array.isArray(pip) ? pip.map(asText) : [asText(each)]
  })
  const variables = field(definition, 'environmentVariables')
  return known([
    ['Name', asText(field(definition, 'name'))],
    ['Version', asText(field(definition, 'version'))],
    ['Python', field(python, 'userManagedDependencies') === true ? asText(field(python, 'interpreterPath')) : ''],
    ['Packages asked for', lines.join('\n')],
    ['Variables', isDict(variables) ? Object.keys(variables).join('\n') : ''],
  ])
}
