import { colourOf, dashOf } from './colours'
import { ownerOf } from './highlight'
import type { Scene } from './scene'
import { type Pen, type Projection, shapeOf, shown, trace, traceBand } from './trace'
import type { Line } from './types'

class CanvasPen implements Pen {
  readonly strokes = new Path2D()
  readonly dots = new Path2D()
  private readonly radius: number

  constructor(radius: number) {
    this.radius = radius
  }

  moveTo(x: number, y: number): void {
    this.strokes.moveTo(x, y)
  }

  lineTo(x: number, y: number): void {
    this.strokes.lineTo(x, y)
  }

  dot(x: number, y: number): void {
    this.dots.moveTo(x + this.radius, y)
    this.dots.arc(x, y, this.radius, 0, 2 * Math.PI)
  }
}

/** What to draw with: pixels of the canvas for one CSS pixel, and whose lines stand out, if any. */
export interface Brush {
  readonly dark: boolean
  readonly ratio: number
  readonly focus: string | null
  readonly bottom: number
}

/** Draw all lines of a scene: bands below, raw lines, smoothed lines above; the line in focus last. */
export function paint(context: CanvasRenderingContext2D, scene: Scene, to: Projection, brush: Brush): void {
  const isFocused = (line: Line) => brush.focus !== null && ownerOf(line) === brush.focus
  const fades = scene.lines.some(({ line }) => isFocused(line))
  const order = [...scene.lines].sort((a, b) => Number(isFocused(a.line)) - Number(isFocused(b.line)))
  const many = scene.lines.length > 40
  context.lineJoin = 'round'
  for (const { line, smooth } of order) {
    const range = shown(line, scene.x)
    const colour = colourOf(line.slot, brush.dark)
    const inFocus = isFocused(line)
    const faded = fades && !inFocus
    context.strokeStyle = colour
    context.fillStyle = colour
    if (line.low && line.high && line.shape !== 'points') {
      const band = new CanvasPen(1)
      traceBand(band, line, range, to, brush.bottom)
      context.globalAlpha = (many ? 0.12 : 0.25) * (faded ? 0.4 : 1)
      context.setLineDash([])
      context.fill(band.strokes)
      // A band that is one point wide has no area; its outline shows it. Of many lines that would be half of the work.
      if (!many || range.stop - range.start < 3) {
        context.lineWidth = brush.ratio
        context.stroke(band.strokes)
      }
    }
    const shape = shapeOf(line, scene.x)
    const raw = new CanvasPen((line.shape === 'points' ? 2.2 : 2.6) * brush.ratio)
    trace(raw, line.x, line.y, range, to, smooth && shape !== 'points' ? 'line' : shape)
    context.globalAlpha = (smooth ? 0.35 : line.shape === 'points' ? 0.6 : 1) * (faded ? 0.25 : 1)
    context.lineWidth = (inFocus ? 2.4 : many || smooth ? 1.1 : 1.6) * brush.ratio
    context.setLineDash(dashOf(line.slot).map((length) => length * brush.ratio))
    context.stroke(raw.strokes)
    context.setLineDash([])
    context.fill(raw.dots)
    if (smooth) {
      const over = new CanvasPen(2.2 * brush.ratio)
      trace(over, line.x, smooth, range, to, 'line')
      context.globalAlpha = faded ? 0.25 : 1
      context.lineWidth = (inFocus ? 2.8 : 2) * brush.ratio
      context.setLineDash(dashOf(line.slot).map((length) => length * brush.ratio))
      context.stroke(over.strokes)
      context.setLineDash([])
      context.fill(over.dots)
    }
  }
  context.globalAlpha = 1
}
