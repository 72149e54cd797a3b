import { describe, expect, it } from 'vitest'
import { argumentLine, environmentFacts, errorText, machineFacts, otherProperties, packageList } from './facts_of'

describe('what is known of a run', () => {
  it('writes arguments as one would type them', () => {
    const definition = { script: 'train.py', arguments: ['--reg', 0.5, '--name', "it's; rm -rf"], nodeCount: 2 }
    expect(argumentLine(definition)).toEqual({
      line: `train.py --reg 0.5 --name 'it'\\''s; rm -rf'`,
      facts: [['Nodes', '2']],
    })
    expect(argumentLine({ command: 'echo $HOME | cat' })?.line).toBe('echo $HOME | cat')
    expect(argumentLine({})).toBe(null)
  })

  it('finds the sentence of an error, nested as Azure does it or not', () => {
    const told = { code: 'ExitCode', message: 'Ended with exit code 1.', details: '' }
    expect(errorText(told)).toEqual({ message: 'Ended with exit code 1.', where: '', details: '', code: 'ExitCode' })
    expect(errorText({ error: told }).message).toBe('Ended with exit code 1.')
    expect(errorText({}).message).toBe('')
  })

  it('tells of an exception its name, and where in the script it was', () => {
    const details = [
      'Traceback (most recent call last):',
      '  File "/work/train.py", line 12, in <module>',
      '    fit(data)',
      '  File "/usr/lib/python3.11/site-packages/sklearn/base.py", line 99, in fit',
      '    raise',
      "KeyError: 'age'",
    ].join('\n')
    expect(errorText({ code: 'KeyError', message: "'age'", details })).toMatchObject({
      message: "KeyError: 'age'",
      where: 'train.py, line 12',
    })
    expect(errorText({ code: 'a(b', message: 'm', details }).message).toBe('m')
  })

  it('bears any shape of documents', () => {
    for (const odd of [{}, { cpu: 3, memory: [], gpus: { a: 1 }, os: null }, { python: 'x', name: {} }]) {
      expect(machineFacts(odd)).toEqual([])
      expect(Array.isArray(environmentFacts(odd))).toBe(true)
    }
    expect(packageList('none')).toEqual([])
    expect(packageList([null, 3, { name: 'b' }, { name: 'a', version: '1' }])).toEqual([
      { name: 'a', version: '1' },
      { name: 'b', version: '' },
    ])
  })

  it('shows no properties that are told elsewhere', () => {
    expect(otherProperties({ a: '1', '_milepost.x': '2', 'azureml.git.commit': 'c' })).toEqual([['a', '1']])
  })
})
