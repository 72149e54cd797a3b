import { expect, test } from 'vitest'
import { factsOf, progressOf } from '../pages/run/trials/trials_of'
import type { TrialsPart } from './model'
import { trialsOf } from './trial_rows'

const PART: TrialsPart = {
  primary: { name: 'loss', goal: 'minimize' },
  total: 3,
  ids: ['HD_1', 'HD_0', 'HD_2'],
  numbers: [3, 2, 4],
  names: ['b', null, 'c'],
  values: [0.1, 0.5, null],
  parameters: { rate: [0.01, 0.1, 1], '<img src=x>': ['<script>', 'b', null] },
}

test('trials that come by columns are drawn as the portal draws them', () => {
  const { rows, columns, primary } = trialsOf(PART)
  const found = progressOf(rows, primary)
  expect([[...found.trial], [...found.best]]).toEqual([
    [1, 2],
    [0.5, 0.1],
  ])
  expect(factsOf(rows, columns, primary)).toEqual([
    { name: 'rate', values: { HD_1: 0.01, HD_0: 0.1, HD_2: 1 } },
    { name: '<img src=x>', values: { HD_1: '<script>', HD_0: 'b' } },
    { name: 'loss', values: { HD_1: 0.1, HD_0: 0.5 } },
  ])
  expect(trialsOf({ ...PART, primary: { name: 'auc', goal: 'maximize' } }).primary.column).toBe('max(metrics.auc)')
})
