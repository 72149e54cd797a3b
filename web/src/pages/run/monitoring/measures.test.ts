import { describe, expect, it } from 'vitest'
import type { Metric } from '../../../api/types'
import { measuresOf, unitOf } from './measures'

const named = (...names: string[]) => names.map((name) => ({ name }) as Metric)

describe('what was sampled of a machine', () => {
  it('has a title and a section, whatever its name', () => {
    const found = measuresOf(named('own', 'gpu.1.memory_bytes', 'memory_bytes', 'cpu_percent', 'gpu.1.odd'))
    expect(found.map(({ section, title }) => [section, title])).toEqual([
      ['CPU', 'CPU of the run (100 % is one core)'],
      ['Memory', 'Memory of the run'],
      ['GPU', 'GPU memory'],
      ['GPU', 'GPU odd'],
      ['Other', 'own'],
    ])
  })

  it('is drawn together where it belongs together: a line for each GPU, for each direction', () => {
    const names = ['gpu.10.utilization_percent', 'gpu.2.utilization_percent', 'network_sent_bytes_per_s']
    const found = measuresOf(named(...names, 'network_received_bytes_per_s'))
    expect(found.map(({ lines }) => lines.map(({ label }) => label))).toEqual([
      ['GPU 2', 'GPU 10'],
      ['received', 'sent'],
    ])
  })

  it('is written in its unit, on an axis that shows the whole where there is one', () => {
    expect(unitOf('memory_bytes').format(3 * 1024 ** 3)).toBe('3 GiB')
    expect(unitOf('disk_read_bytes_per_s').format(2048)).toBe('2 KiB/s')
    expect(unitOf('cpu_percent_machine').format(12.5)).toBe('12.5 %')
    expect(unitOf('cpu_percent_machine').shows).toEqual({ from: 0, to: 100 })
    expect(unitOf('gpu.0.temperature_c').format(61)).toBe('61 °C')
    expect(measuresOf(named('gpu.0.memory_bytes'), 8 * 1024 ** 3)[0]?.unit.shows?.to).toBe(8 * 1024 ** 3)
  })
})
