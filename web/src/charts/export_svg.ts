import { colourOf, dashOf, ink } from './colours'
import type { Scene } from './scene'
import { xTicks, yTicks } from './ticks'
import { type Pen, type Projection, shapeOf, shown, trace, traceBand } from './trace'
import type { XKind } from './types'
import type { Unit } from './units'

const WIDTH = 960
const HEIGHT = 540
const EDGE = { left: 80, right: 24, top: 48, bottom: 56 }
const MOST_NAMED = 24

class SvgPen implements Pen {
  path = ''
  dots = ''

  moveTo(x: number, y: number): void {
    this.path += `M${short(x)} ${short(y)}`
  }

  lineTo(x: number, y: number): void {
    this.path += `L${short(x)} ${short(y)}`
  }

  dot(x: number, y: number): void {
    this.dots += `M${short(x - 2.5)} ${short(y)}a2.5 2.5 0 1 0 5 0a2.5 2.5 0 1 0 -5 0`
  }
}

function short(value: number): string {
  return String(Math.round(Math.min(Math.max(value, -1e6), 1e6) * 100) / 100)
}

/** A text as XML: markup becomes text, and characters that XML does not have are left out. */
export function xmlText(text: string): string {
  return text
    .replace(/[^\t\n\r\u{20}-\u{D7FF}\u{E000}-\u{FFFD}\u{10000}-\u{10FFFF}]/gu, '')
    .replace(/[&<>"']/g, (found) => `&#${found.charCodeAt(0)};`)
}

/** From values to a box of pixels, y upwards. */
export function projection(
  scene: Scene,
  box: { left: number; top: number; width: number; height: number },
): Projection {
  const scaleX = scene.logX ? Math.log10 : (value: number) => value
  const scaleY = scene.logY ? Math.log10 : (value: number) => value
  const fromX = scaleX(scene.x.from)
  const fromY = scaleY(scene.y.from)
  const perX = box.width / (scaleX(scene.x.to) - fromX)
  const perY = box.height / (scaleY(scene.y.to) - fromY)
  return {
    x: (value) => box.left + (scaleX(value) - fromX) * perX,
    y: (value) => box.top + box.height - (scaleY(value) - fromY) * perY,
    logX: scene.logX,
    logY: scene.logY,
  }
}

/** The chart as a picture of its own: an SVG document without anything outside it. */
export function sceneAsSvg(
  scene: Scene,
  names: { title: string; x: string; xKind: XKind; unit?: Unit | undefined },
  dark: boolean,
): string {
  const { text, grid, background } = ink(dark)
  const named = scene.lines.length > 1 ? scene.lines.slice(0, MOST_NAMED) : []
  const legend = named.length > 0 ? 220 : 0
  const box = {
    left: EDGE.left,
    top: EDGE.top,
    width: WIDTH - EDGE.left - EDGE.right - legend,
    height: HEIGHT - EDGE.top - EDGE.bottom,
  }
  const to = projection(scene, box)
  const parts: string[] = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" height="${HEIGHT}" font-family="sans-serif" font-size="13">`,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="${background}"/>`,
    `<clipPath id="plot"><rect x="${box.left}" y="${box.top}" width="${box.width}" height="${box.height}"/></clipPath>`,
    `<text x="${box.left}" y="28" font-size="16" fill="${text}">${xmlText(names.title)}</text>`,
    `<text x="${box.left + box.width / 2}" y="${HEIGHT - 14}" text-anchor="middle" fill="${text}">${xmlText(names.x)}</text>`,
  ]
  const across = xTicks(names.xKind, scene.x.from, scene.x.to, 7, scene.logX)
  for (const [i, label] of across.labels.entries()) {
    const at = short(to.x(across.at[i] as number))
    parts.push(
      `<path d="M${at} ${box.top}V${box.top + box.height}" stroke="${grid}"/>`,
      `<text x="${at}" y="${box.top + box.height + 20}" text-anchor="middle" fill="${text}">${xmlText(label)}</text>`,
    )
  }
  const up = yTicks(scene.y.from, scene.y.to, 6, scene.logY, names.unit)
  for (const [i, label] of up.labels.entries()) {
    const at = to.y(up.at[i] as number)
    parts.push(
      `<path d="M${box.left} ${short(at)}H${box.left + box.width}" stroke="${grid}"/>`,
      `<text x="${box.left - 8}" y="${short(at + 4)}" text-anchor="end" fill="${text}">${xmlText(label)}</text>`,
    )
  }
  parts.push('<g clip-path="url(#plot)" fill="none" stroke-linejoin="round">')
  for (const { line, smooth } of scene.lines) {
    const colour = colourOf(line.slot, dark)
    const dash = dashOf(line.slot).length > 0 ? ` stroke-dasharray="${dashOf(line.slot).join(' ')}"` : ''
    const range = shown(line, scene.x)
    const band = new SvgPen()
    traceBand(band, line, range, to, box.top + box.height)
    if (band.path) {
      parts.push(`<path d="${band.path}" fill="${colour}" stroke="${colour}" opacity="0.25"/>`)
    }
    const raw = new SvgPen()
    const shape = shapeOf(line, scene.x)
    trace(raw, line.x, line.y, range, to, smooth && shape !== 'points' ? 'line' : shape)
    const faint = smooth ? ' opacity="0.35"' : ''
    parts.push(`<path d="${raw.path}" stroke="${colour}" stroke-width="1.6"${dash}${faint}/>`)
    if (raw.dots) {
      parts.push(`<path d="${raw.dots}" fill="${colour}"${faint}/>`)
    }
    if (smooth) {
      const over = new SvgPen()
      trace(over, line.x, smooth, range, to, 'line')
      parts.push(`<path d="${over.path}" stroke="${colour}" stroke-width="2.2"${dash}/>`)
    }
  }
  parts.push('</g>')
  for (const [i, { line }] of named.entries()) {
    const left = box.left + box.width + 16
    const y = box.top + 10 + i * 19
    const label = line.label.length > 30 ? `${line.label.slice(0, 29)}…` : line.label
    parts.push(
      `<path d="M${left} ${y}h18" stroke="${colourOf(line.slot, dark)}" stroke-width="3"/>`,
      `<text x="${left + 24}" y="${y + 4}" fill="${text}">${xmlText(label)}</text>`,
    )
  }
  if (scene.lines.length > MOST_NAMED) {
    parts.push(
      `<text x="${box.left + box.width + 16}" y="${box.top + 14 + MOST_NAMED * 19}" fill="${text}">and ${scene.lines.length - MOST_NAMED} more</text>`,
    )
  }
  return `${parts.join('\n')}\n</svg>\n`
}
