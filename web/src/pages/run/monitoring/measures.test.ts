import { describe, expect, it } from 'vitest'
import type { Metric } from '../../../api/types'
import { formatOf, measuresOf } from './measures'

const named = (name: string) => ({ name }) as Metric

describe('what was sampled of a machine', () => {
  it('has a title and a section, whatever its name', () => {
    const found = measuresOf([named('own'), named('gpu.1.memory_bytes'), named('memory_bytes'), named('cpu_percent')])
    expect(found.map(({ section, title }) => [section, title])).toEqual([
      ['CPU', 'CPU of the run (100 % is one core)'],
      ['Memory', 'Memory of the run'],
      ['GPU', 'GPU 1: memory'],
      ['Other', 'own'],
    ])
  })

  it('is written in its unit', () => {
    expect(formatOf('memory_bytes')(3 * 1024 ** 3)).toBe('3 GiB')
    expect(formatOf('disk_read_bytes_per_s')(2048)).toBe('2 KiB/s')
    expect(formatOf('cpu_percent_machine')(12.5)).toBe('12.5 %')
    expect(formatOf('gpu.0.temperature_c')(61)).toBe('61 °C')
  })
})
