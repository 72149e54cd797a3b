import { expect, it } from 'vitest'
import { readableJson } from './json_layout'

it('lays JSON out without changing it', () => {
  const json = '{"a, b": [1.00000000000000000001, {"c": "x{]\\"", "d": {}}], "e": null}'
  const shown = readableJson(json)
  expect(shown).toBe(
    '{\n  "a, b": [\n    1.00000000000000000001,\n    {\n      "c": "x{]\\"",\n      "d": {}\n    }\n  ],\n  "e": null\n}',
  )
  expect(JSON.parse(shown)).toEqual(JSON.parse(json))
})

it('leaves JSON with lines as it was written', () => {
  expect(readableJson('{\n"a":1}\n')).toBe('{\n"a":1}\n')
})
