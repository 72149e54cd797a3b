import { expect, it } from 'vitest'
import { diffLines } from './diff_lines'

it('numbers the lines of a unified diff, also those that look like its headers', () => {
  const diff =
    '--- a/x.py\n+++ b/x.py\n@@ -3,3 +3,3 @@ def f():\n same\n--- old\n+++ new\n last\n\\ No newline at end of file\n'
  expect(diffLines(diff)).toEqual([
    { kind: 'file', text: '--- a/x.py', before: null, after: null },
    { kind: 'file', text: '+++ b/x.py', before: null, after: null },
    { kind: 'hunk', text: '@@ -3,3 +3,3 @@ def f():', before: null, after: null },
    { kind: 'same', text: 'same', before: 3, after: 3 },
    { kind: 'removed', text: '-- old', before: 4, after: null },
    { kind: 'added', text: '++ new', before: null, after: 4 },
    { kind: 'same', text: 'last', before: 5, after: 5 },
    { kind: 'note', text: 'No newline at end of file', before: null, after: null },
  ])
})
