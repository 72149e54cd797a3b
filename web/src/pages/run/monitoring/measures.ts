import type { Metric } from '../../../api/types'
import { formatBytes, formatNumber } from '../../../charts/format'
import type { Unit } from '../../../charts/units'

/** What was sampled of a machine, as a chart: what has one unit and one subject is drawn together. */
export interface Measure {
  readonly key: string
  readonly title: string
  readonly section: string
  readonly unit: Unit
  readonly lines: readonly { readonly metric: Metric; readonly label: string }[]
}

const ZERO = { from: 0, to: 0 }
const WHOLE = { from: 0, to: 100 }
const BYTES: Unit = { format: formatBytes, binary: true, shows: ZERO }

const CHARTS: readonly {
  readonly section: string
  readonly title: string
  readonly lines: Readonly<Record<string, string>>
  /** Where another unit than that of the names is better. */
  readonly unit?: Unit
}[] = [
  { section: 'CPU', title: 'CPU of the run (100 % is one core)', lines: { cpu_percent: 'run' } },
  { section: 'CPU', title: 'CPU of the machine (100 % is all cores)', lines: { cpu_percent_machine: 'machine' } },
  { section: 'Memory', title: 'Memory of the run', lines: { memory_bytes: 'run' } },
  { section: 'Memory', title: 'Memory of the machine', lines: { memory_percent_machine: 'machine' } },
  {
    section: 'Disk',
    title: 'Read and written by the run',
    lines: { disk_read_bytes_per_s: 'read', disk_write_bytes_per_s: 'written' },
  },
  // Not from zero: what is taken away is small beside what is there.
  {
    section: 'Disk',
    title: 'Free on the disk of the run',
    lines: { disk_free_bytes: 'free' },
    unit: { format: formatBytes, binary: true },
  },
  {
    section: 'Network',
    title: 'Received and sent by the machine',
    lines: { network_received_bytes_per_s: 'received', network_sent_bytes_per_s: 'sent' },
  },
  { section: 'Processes', title: 'Processes of the run', lines: { processes: 'processes' } },
  { section: 'Processes', title: 'Threads of the run', lines: { threads: 'threads' } },
]

const GPU: Readonly<Record<string, string>> = {
  utilization_percent: 'GPU utilisation',
  memory_bytes: 'GPU memory',
  temperature_c: 'GPU temperature',
  power_w: 'GPU power',
}

const SECTIONS: readonly string[] = ['CPU', 'Memory', 'GPU', 'Disk', 'Network', 'Processes', 'Other']

/** How values of a name are written: by the unit at its end. */
export function unitOf(name: string): Unit {
  const number = (ending: string): Unit => ({ format: (value) => `${formatNumber(value, 4)}${ending}`, shows: ZERO })
  if (name.endsWith('_bytes_per_s')) return { ...BYTES, format: (value) => `${formatBytes(value)}/s` }
  if (name.endsWith('_bytes')) return BYTES
  if (name.includes('_percent')) return { ...number(' %'), shows: WHOLE }
  if (name.endsWith('_c')) return number(' °C')
  if (name.endsWith('_w')) return number(' W')
  return number('')
}

/** What was sampled, with titles, in the order of the sections. `gpuBytes`: the most memory that one of the GPUs has. */
export function measuresOf(metrics: readonly Metric[], gpuBytes = 0): Measure[] {
  const left = new Map(metrics.map((metric) => [metric.name, metric]))
  const found: Measure[] = []
  for (const { section, title, lines, unit } of CHARTS) {
    const named = Object.entries(lines).flatMap(([name, label]) => {
      const metric = left.get(name)
      left.delete(name)
      return metric ? [{ metric, label }] : []
    })
    const name = named[0]?.metric.name
    if (name) found.push({ key: name, title, section, unit: unit ?? unitOf(name), lines: named })
  }
  const gpus = new Map<string, { metric: Metric; label: string; index: number }[]>()
  for (const metric of left.values()) {
    const gpu = /^gpu\.(\d+)\.(.+)$/.exec(metric.name)
    if (!gpu) {
      const unit = unitOf(metric.name)
      found.push({
        key: metric.name,
        title: metric.name,
        section: 'Other',
        unit,
        lines: [{ metric, label: metric.name }],
      })
      continue
    }
    const [, index = '', name = ''] = gpu
    gpus.set(name, [...(gpus.get(name) ?? []), { metric, label: `GPU ${index}`, index: Number(index) }])
  }
  for (const [name, lines] of gpus) {
    const unit = unitOf(name)
    found.push({
      key: `gpu.${name}`,
      title: GPU[name] ?? `GPU ${name}`,
      section: 'GPU',
      unit: name === 'memory_bytes' && gpuBytes > 0 ? { ...unit, shows: { from: 0, to: gpuBytes } } : unit,
      lines: lines.sort((a, b) => a.index - b.index),
    })
  }
  const place = (measure: Measure) => SECTIONS.indexOf(measure.section)
  return found.sort((a, b) => place(a) - place(b))
}
