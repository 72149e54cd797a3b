import { describe, expect, it } from 'vitest'
import { classCurves, confusionMatrix, dataOf, predictions, residuals } from './parse'

const data = (content: object) => dataOf({ schema_type: 'x', schema_version: '1.0.0', data: content }) ?? {}

describe('structured metrics', () => {
  it('reads a confusion matrix, and refuses what is none', () => {
    expect(
      confusionMatrix(
        data({
          class_labels: ['a', 'b'],
          matrix: [
            [9, 1],
            [2, 8],
          ],
        }),
      )?.labels,
    ).toEqual(['a', 'b'])
    expect(confusionMatrix(data({ matrix: [[9, 1], [2]] }))).toBeNull()
    expect(confusionMatrix(data({ matrix: 'x' }))).toBeNull()
    expect(dataOf('text')).toBeNull()
    expect(dataOf([{ data: { a: 1 } }, { data: { a: 2 } }])).toEqual({ a: 2 })
  })

  it('makes ROC curves of counts', () => {
    const [curve] =
      classCurves(
        data({
          class_labels: ['yes'],
          probability_tables: [
            [
              [10, 10, 0, 0],
              [10, 0, 10, 0],
              [0, 0, 10, 10],
            ],
          ],
        }),
      ) ?? []
    expect(curve?.area).toBe(1)
    expect(curve?.precision).toContain(0.5)
    expect(classCurves(data({ probability_tables: [[[1, 2]]] }))).toBeNull()
  })

  it('reads bins of residuals and predictions', () => {
    expect(residuals(data({ bin_edges: [100, 200, 300], bin_counts: [0.88, 20, 30] }))?.counts).toHaveLength(3)
    expect(residuals(data({ bin_edges: [1], bin_counts: [1, 2, 3] }))).toBeNull()
    expect(
      predictions(
        data({ bin_averages: [0.25, 0.75], bin_errors: [0.01, 0.04], bin_counts: [5, 3], bin_edges: [0, 0.5, 1] }),
      ),
    ).not.toBeNull()
    expect(predictions(data({ bin_averages: [1], bin_edges: [0] }))).toBeNull()
  })
})
