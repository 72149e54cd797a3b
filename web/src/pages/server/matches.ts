/** Whether a name has the words that are searched. */
export function matches(search: string, ...texts: readonly (string | null)[]): boolean {
  const all = texts.join('\n').toLowerCase()
  return search
    .toLowerCase()
    .split(/\s+/)
    .every((word) => all.includes(word))
}
