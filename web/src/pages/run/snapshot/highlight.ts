/** Source in colours: which part of a line is a word of the language, a text, a comment. Loaded when first needed. */

import type { ElementContent, RootContent } from 'hast'
import bash from 'highlight.js/lib/languages/bash'
import cpp from 'highlight.js/lib/languages/cpp'
import css from 'highlight.js/lib/languages/css'
import diff from 'highlight.js/lib/languages/diff'
import dockerfile from 'highlight.js/lib/languages/dockerfile'
import go from 'highlight.js/lib/languages/go'
import ini from 'highlight.js/lib/languages/ini'
import java from 'highlight.js/lib/languages/java'
import javascript from 'highlight.js/lib/languages/javascript'
import json from 'highlight.js/lib/languages/json'
import julia from 'highlight.js/lib/languages/julia'
import makefile from 'highlight.js/lib/languages/makefile'
import markdown from 'highlight.js/lib/languages/markdown'
import python from 'highlight.js/lib/languages/python'
import r from 'highlight.js/lib/languages/r'
import rust from 'highlight.js/lib/languages/rust'
import sql from 'highlight.js/lib/languages/sql'
import typescript from 'highlight.js/lib/languages/typescript'
import xml from 'highlight.js/lib/languages/xml'
import yaml from 'highlight.js/lib/languages/yaml'
import { createLowlight } from 'lowlight'
import type { Token, TokenLine } from './source_lines'

const GRAMMARS = {
  bash,
  cpp,
  css,
  diff,
  dockerfile,
  go,
  ini,
  java,
  javascript,
  json,
  julia,
  makefile,
  markdown,
  python,
  r,
  rust,
  sql,
  typescript,
  xml,
  yaml,
}

const lowlight = createLowlight(GRAMMARS)

/** The lines of a source as parts with the names of their kinds (`keyword`, `string`, …). */
export function highlightedLines(text: string, language: string): TokenLine[] {
  const lines: Token[][] = [[]]
  const add = (piece: string, kind: string | null) => {
    const [first = '', ...more] = piece.split('\n')
    if (first !== '') lines.at(-1)?.push({ text: first, kind })
    for (const each of more) lines.push(each === '' ? [] : [{ text: each, kind }])
  }
  const walk = (nodes: readonly (RootContent | ElementContent)[], kind: string | null) => {
    for (const node of nodes) {
      if (node.type === 'text') add(node.value, kind)
      else if (node.type === 'element') walk(node.children, kindOf(node.properties.className) ?? kind)
    }
  }
  walk(lowlight.highlight(language, text).children, null)
  return lines
}

function kindOf(names: unknown): string | null {
  const first: unknown = Array.isArray(names) ? names[0] : null
  return typeof first === 'string' && first.startsWith('hljs-') ? first.slice(5) : null
}
