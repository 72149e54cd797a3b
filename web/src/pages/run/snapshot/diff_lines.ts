/** A unified diff as lines with their numbers on both sides. */

export type DiffKind = 'file' | 'hunk' | 'same' | 'added' | 'removed' | 'note'

export interface DiffLine {
  readonly kind: DiffKind
  readonly text: string
  readonly before: number | null
  readonly after: number | null
}

const HUNK = /^@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@/

/** The lines of a unified diff. Within a hunk a line is what its length says, so "--- x" may be a removed line. */
export function diffLines(diff: string): DiffLine[] {
  const lines: DiffLine[] = []
  let before = 0
  let after = 0
  let leftBefore = 0
  let leftAfter = 0
  const texts = diff.split('\n')
  if (texts.at(-1) === '') texts.pop()
  for (const text of texts) {
    const hunk = leftBefore <= 0 && leftAfter <= 0 ? HUNK.exec(text) : null
    if (hunk) {
      before = Number(hunk[1])
      after = Number(hunk[3])
      leftBefore = Number(hunk[2] ?? 1)
      leftAfter = Number(hunk[4] ?? 1)
      lines.push({ kind: 'hunk', text, before: null, after: null })
    } else if (text.startsWith('\\')) {
      lines.push({ kind: 'note', text: text.slice(1).trim(), before: null, after: null })
    } else if (leftBefore <= 0 && leftAfter <= 0) {
      lines.push({ kind: 'file', text, before: null, after: null })
    } else if (text.startsWith('+')) {
      lines.push({ kind: 'added', text: text.slice(1), before: null, after: after++ })
      leftAfter--
    } else if (text.startsWith('-')) {
      lines.push({ kind: 'removed', text: text.slice(1), before: before++, after: null })
      leftBefore--
    } else {
      lines.push({ kind: 'same', text: text.slice(1), before: before++, after: after++ })
      leftBefore--
      leftAfter--
    }
  }
  return lines
}
