import type { Metric } from '../../../api/types'
import { formatBytes, formatNumber } from '../../../charts/format'

/** What was sampled of a machine, as a chart. */
export interface Measure {
  readonly metric: Metric
  readonly title: string
  readonly section: string
  readonly formatY: (value: number) => string
}

const percent = (value: number) => `${formatNumber(value, 4)} %`
const perSecond = (value: number) => `${formatBytes(value)}/s`
const degrees = (value: number) => `${formatNumber(value, 4)} °C`
const watts = (value: number) => `${formatNumber(value, 4)} W`
const plain = (value: number) => formatNumber(value)

const TITLES: Readonly<Record<string, readonly [section: string, title: string]>> = {
  cpu_percent: ['CPU', 'CPU of the run (100 % is one core)'],
  cpu_percent_machine: ['CPU', 'CPU of the machine (100 % is all cores)'],
  memory_bytes: ['Memory', 'Memory of the run'],
  memory_percent_machine: ['Memory', 'Memory of the machine'],
  disk_read_bytes_per_s: ['Disk', 'Read from disks by the run'],
  disk_write_bytes_per_s: ['Disk', 'Written to disks by the run'],
  disk_free_bytes: ['Disk', 'Free on the disk of the run'],
  network_received_bytes_per_s: ['Network', 'Received by the machine'],
  network_sent_bytes_per_s: ['Network', 'Sent by the machine'],
  processes: ['Processes', 'Processes of the run'],
  threads: ['Processes', 'Threads of the run'],
}

const GPU: Readonly<Record<string, string>> = {
  utilization_percent: 'utilisation',
  memory_bytes: 'memory',
  temperature_c: 'temperature',
  power_w: 'power',
}

const SECTIONS: readonly string[] = ['CPU', 'Memory', 'GPU', 'Disk', 'Network', 'Processes', 'Other']

/** How values of a name are written: by the unit at its end. */
export function formatOf(name: string): (value: number) => string {
  if (name.endsWith('_bytes_per_s')) return perSecond
  if (name.endsWith('_bytes')) return formatBytes
  if (name.includes('_percent')) return percent
  if (name.endsWith('_c')) return degrees
  if (name.endsWith('_w')) return watts
  return plain
}

/** What was sampled, with titles, in the order of the sections. */
export function measuresOf(metrics: readonly Metric[]): Measure[] {
  const found = metrics.map((metric): Measure => {
    const gpu = /^gpu\.(\d+)\.(.+)$/.exec(metric.name)
    const [section, title] = gpu
      ? ['GPU', `GPU ${gpu[1]}: ${GPU[gpu[2] ?? ''] ?? gpu[2]}`]
      : (TITLES[metric.name] ?? ['Other', metric.name])
    return { metric, section, title, formatY: formatOf(metric.name) }
  })
  const place = (measure: Measure) => SECTIONS.indexOf(measure.section)
  return found.sort((a, b) => place(a) - place(b))
}
