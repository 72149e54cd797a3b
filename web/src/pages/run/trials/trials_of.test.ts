import { expect, test } from 'vitest'
import type { RunRow, Value } from '../../../api/types'
import { factsOf, parametersOf, parameterText, primaryOf, progressOf, ranksOf } from './trials_of'

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

test('axes have the numbers that parameters stand for, and none for what is the same for all', () => {
  const rows = [
    row('a', { 'params.depth': '4', 'params.kernel': 'rbf', 'params.seed': '7', [LOSS.column]: 1 }),
    row('b', { 'params.depth': '8', 'params.kernel': 'poly', 'params.seed': '7' }),
    row('c', { 'params.depth': '8' }),
  ]
  expect(factsOf(rows, ['params.depth', 'params.kernel', 'params.seed'], LOSS)).toEqual([
    { name: 'depth', values: { a: 4, b: 8, c: 8 } },
    { name: 'kernel', values: { a: 'rbf', b: 'poly' } },
    { name: 'loss', values: { a: 1 } },
  ])
})

test('a parameter that is named like the metric has an axis of its own', () => {
  const rows = [row('a', { 'params.loss': 'l1', [LOSS.column]: 1 }), row('b', { 'params.loss': 'l2' })]
  expect(factsOf(rows, ['params.loss'], LOSS).map((fact) => fact.name)).toEqual(['loss', 'loss (metric)'])
})

test('ranks go from the worst to the best; without a number there is none', () => {
  const rows = [
    row('a', { [LOSS.column]: 3 }),
    row('b', { [LOSS.column]: 1 }),
    row('c', { [LOSS.column]: 'NaN' }),
    row('d', { [LOSS.column]: 'Infinity' }),
    row('e', {}),
  ]
  expect(Object.fromEntries(ranksOf(rows, LOSS))).toEqual({ d: 0, a: 0.5, b: 1 })
  expect(ranksOf(rows, { ...LOSS, maximize: true }).get('d')).toBe(1)
})

test('parameters are shown with a few digits', () => {
  expect([parameterText('0.00479979032138916'), parameterText('rbf'), parameterText(undefined)]).toEqual([
    '0.00479979',
    'rbf',
    '',
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
