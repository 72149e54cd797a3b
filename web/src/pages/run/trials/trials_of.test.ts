import { expect, test } from 'vitest'
import type { RunRow, Value } from '../../../api/types'
import { factsOf, parametersOf, primaryOf, progressOf } from './trials_of'

const LOSS = { name: 'loss', maximize: false, column: 'min(metrics.loss)' }

function row(runId: string, values: Record<string, Value>): RunRow {
  return { run_id: runId, number: 1, values } as unknown as RunRow
}

test('the primary metric is told by a property', () => {
  const told = { properties: { primary_metric_config: '{"name": "loss", "goal": "minimize"}' } }
  expect(primaryOf(told)).toEqual(LOSS)
  expect(primaryOf({ properties: { primary_metric_config: '{"name": "AUC"}' } })?.column).toBe('max(metrics.AUC)')
  expect(primaryOf({ properties: {} })).toBeNull()
  expect(primaryOf({ properties: { primary_metric_config: '{"name"' } })).toBeNull()
  expect(primaryOf({ properties: { primary_metric_config: '[]' } })).toBeNull()
})

test('the best so far goes by the order of the trials', () => {
  const rows = [
    row('HD_10', { [LOSS.column]: 0.5 }),
    row('HD_2', { [LOSS.column]: 2 }),
    row('HD_0', { [LOSS.column]: 3 }),
    row('HD_1', { [LOSS.column]: null }),
    row('HD_3', { [LOSS.column]: 4 }),
  ]
  const found = progressOf(rows, LOSS)
  expect([...found.trial]).toEqual([1, 3, 4, 5])
  expect([...found.value]).toEqual([3, 2, 4, 0.5])
  expect([...found.best]).toEqual([3, 2, 2, 0.5])
  expect([...progressOf(rows, { ...LOSS, maximize: true }).best]).toEqual([3, 3, 4, 4])
})

test('axes have the numbers that parameters stand for', () => {
  const rows = [row('a', { 'params.depth': '4', 'params.kernel': 'rbf', [LOSS.column]: 1 }), row('b', {})]
  expect(factsOf(rows, ['params.depth', 'params.kernel'], LOSS)).toEqual([
    { name: 'depth', same: false, values: { a: 4 } },
    { name: 'kernel', same: false, values: { a: 'rbf' } },
    { name: 'loss', same: false, values: { a: 1 } },
  ])
})

test('what most trials were given comes first', () => {
  const params = [
    { name: 'a', count: 1 },
    { name: 'b', count: 9 },
  ]
  expect(parametersOf({ metrics: [], tags: [], properties: [], params })).toEqual(['params.b', 'params.a'])
  expect(parametersOf(undefined)).toEqual([])
})
