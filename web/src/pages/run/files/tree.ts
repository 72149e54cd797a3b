/** Names with slashes as a tree of folders, and what of it is open as a list of rows. */

export interface TreeEntry {
  readonly name: string
  readonly size: number
}

export interface TreeRow<Entry extends TreeEntry> {
  /** The whole name; a folder's ends with "/". */
  readonly path: string
  /** The last part of it. */
  readonly label: string
  readonly depth: number
  /** Null for a folder. */
  readonly entry: Entry | null
  /** Of a folder: how many files are below it, and their bytes together. */
  readonly files: number
  readonly bytes: number
  readonly isOpen: boolean
}

interface Folder<Entry extends TreeEntry> {
  readonly folders: Map<string, Folder<Entry>>
  readonly entries: Entry[]
  files: number
  bytes: number
}

export type Tree<Entry extends TreeEntry> = Folder<Entry>

export function buildTree<Entry extends TreeEntry>(entries: readonly Entry[]): Tree<Entry> {
  const root: Folder<Entry> = { folders: new Map(), entries: [], files: 0, bytes: 0 }
  for (const entry of entries) {
    let folder = root
    count(folder, entry)
    for (const part of entry.name.split('/').slice(0, -1)) {
      let next = folder.folders.get(part)
      if (!next) {
        next = { folders: new Map(), entries: [], files: 0, bytes: 0 }
        folder.folders.set(part, next)
      }
      folder = next
      count(folder, entry)
    }
    folder.entries.push(entry)
  }
  return root
}

/** The rows to show, folders before files, each by name as people sort (file2 before file10). */
export function visibleRows<Entry extends TreeEntry>(tree: Tree<Entry>, open: ReadonlySet<string>): TreeRow<Entry>[] {
  const rows: TreeRow<Entry>[] = []
  addRows(tree, '', 0, open, rows)
  return rows
}

/** The folders above a file, each with "/" at its end: what must be open for it to be seen. */
export function foldersAbove(name: string): string[] {
  const parts = name.split('/').slice(0, -1)
  return parts.map((_, index) => `${parts.slice(0, index + 1).join('/')}/`)
}

/** What is open at first: all folders of a small tree, else the top ones. */
export function openAtFirst(entries: readonly TreeEntry[]): Set<string> {
  const names = entries.length <= SMALL ? entries.flatMap((each) => foldersAbove(each.name)) : []
  return new Set(names)
}

const SMALL = 60
const COLLATOR = new Intl.Collator(undefined, { numeric: true })

function count<Entry extends TreeEntry>(folder: Folder<Entry>, entry: Entry): void {
  folder.files += 1
  folder.bytes += entry.size
}

function addRows<Entry extends TreeEntry>(
  folder: Folder<Entry>,
  prefix: string,
  depth: number,
  open: ReadonlySet<string>,
  rows: TreeRow<Entry>[],
): void {
  const folders = [...folder.folders].sort(([a], [b]) => COLLATOR.compare(a, b))
  for (const [label, below] of folders) {
    const path = `${prefix}${label}/`
    const isOpen = open.has(path)
    rows.push({ path, label, depth, entry: null, files: below.files, bytes: below.bytes, isOpen })
    if (isOpen) addRows(below, path, depth + 1, open, rows)
  }
  const entries = [...folder.entries].sort((a, b) => COLLATOR.compare(a.name, b.name))
  for (const entry of entries) {
    const label = entry.name.slice(prefix.length)
    rows.push({ path: entry.name, label, depth, entry, files: 1, bytes: entry.size, isOpen: false })
  }
}
