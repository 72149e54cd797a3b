import { useEffect, useMemo, useState } from 'react'
import { isColourable, plainLines, type TokenLine } from './source_lines'

interface Lines {
  /** Without colours: there at once. */
  readonly plain: readonly TokenLine[]
  /** In the colours of the language, once they are known. */
  readonly lines: readonly TokenLine[]
}

/** The lines of a text; `language` null for plain text. */
export function useColouredLines(text: string, language: string | null): Lines {
  const plain = useMemo(() => plainLines(text), [text])
  const [coloured, setColoured] = useState<{ text: string; lines: readonly TokenLine[] } | null>(null)
  useEffect(() => {
    if (language === null || !isColourable(text)) return
    let isWanted = true
    import('./highlight').then(
      ({ highlightedLines }) => {
        if (isWanted) setColoured({ text, lines: highlightedLines(text.replace(/\r\n?/g, '\n'), language) })
      },
      () => {}, // without colours, then
    )
    return () => {
      isWanted = false
    }
  }, [text, language])
  return { plain, lines: coloured?.text === text ? coloured.lines : plain }
}
