import { describe, expect, it } from 'vitest'
import { PLAIN, parseAnsi, plainText } from './ansi'

const E = '\u001b'

describe('colours of terminals', () => {
  it('leaves plain text alone', () => {
    expect(parseAnsi('loss: 0.1\t<b>no markup</b>').spans).toEqual([
      { text: 'loss: 0.1\t<b>no markup</b>', style: PLAIN },
    ])
  })

  it('reads named colours, bold, and their end', () => {
    const { spans, style } = parseAnsi(`a${E}[1;31mred${E}[39mbold${E}[0mend`)
    expect(spans.map((each) => each.text)).toEqual(['a', 'red', 'bold', 'end'])
    expect(spans[1]?.style).toEqual({ ...PLAIN, bold: true, color: 'ansi1' })
    expect(spans[2]?.style).toEqual({ ...PLAIN, bold: true })
    expect(style).toEqual(PLAIN)
  })

  it('reads bright ones, the palette and true colour', () => {
    const colorOf = (codes: string) => parseAnsi(`${E}[${codes}mx`).spans[0]?.style.color
    expect(colorOf('92')).toBe('ansi10')
    expect(colorOf('38;5;196')).toBe('#ff0000')
    expect(colorOf('38;5;244')).toBe('#808080')
    expect(colorOf('38;2;1;2;255')).toBe('#0102ff')
    expect(colorOf('38;2;1;2;999')).toBe(null)
    expect(parseAnsi(`${E}[48;5;3mx`).spans[0]?.style.background).toBe('ansi3')
  })

  it('goes on with the style of the line before', () => {
    const { style } = parseAnsi(`${E}[32mgreen`)
    expect(parseAnsi('still', style).spans[0]?.style.color).toBe('ansi2')
  })

  it('drops what moves the cursor, titles and links, and keeps their text', () => {
    const link = `${E}]8;;javascript:alert(1)${E}\\text${E}]8;;${E}\\`
    expect(plainText(`${E}[2K${E}[1A${link}${E}]0;title\u0007${E}(Bx${E}`)).toBe('textx')
  })

  it('is not slow on hostile input', () => {
    const hostile = `${E}[`.repeat(50_000) + `${E}]`.repeat(50_000)
    expect(plainText(hostile).length).toBeLessThan(200_000)
  })
})
