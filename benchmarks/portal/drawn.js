// Runs in every page before its own scripts: looks in each frame whether what is waited for is there, and notes when.
(() => {
  const tell = (what) => console.debug(`bench ${what} ${performance.now()}`)
  const seen = (element) => {
    const box = element.getBoundingClientRect()
    return box.width > 0 && box.height > 0 && box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth
  }
  const all = (selector, root = document) => {
    // Through shadow roots, which TensorBoard's older parts are made of.
    const found = [...root.querySelectorAll(selector)]
    for (const each of root.querySelectorAll('*')) if (each.shadowRoot) found.push(...all(selector, each.shadowRoot))
    return found
  }
  const scratch = document.createElement('canvas')
  // A canvas has a line on it if most of nine columns of its pixels have a coloured one: axes and grids are grey.
  const inked = (canvas) => {
    if (canvas.width < 20 || canvas.height < 20) return false
    scratch.width = 9
    scratch.height = canvas.height
    const pen = scratch.getContext('2d', { willReadFrequently: true })
    for (let i = 0; i < 9; i++) {
      const at = Math.round((canvas.width * (2 + i)) / 13)
      pen.drawImage(canvas, at, 0, 1, canvas.height, i, 0, 1, canvas.height)
    }
    const { data } = pen.getImageData(0, 0, 9, canvas.height)
    const columns = new Set()
    for (let i = 0; i < data.length; i += 4) {
      const [r, g, b, a] = [data[i], data[i + 1], data[i + 2], data[i + 3]]
      if (a > 60 && Math.max(r, g, b) - Math.min(r, g, b) > 25) columns.add((i / 4) % 9)
    }
    return columns.size >= 5
  }
  // An SVG path is a line of data if it has a stroke, no filling, and more corners than an axis.
  const stroked = (path, corners = 20) => {
    const shape = path.getAttribute('d') ?? ''
    return (shape.match(/[LlCcQqHhVvSs,]/g) ?? []).length >= corners && getComputedStyle(path).stroke !== 'none'
  }
  const tools = { seen, all, inked, stroked }

  const test = TEST
  const look = () => {
    let found = false
    try {
      found = test(tools)
    } catch {
      // The page is half made.
    }
    // What this frame has drawn is on the screen when it ends.
    if (found) setTimeout(() => tell('drawn'))
    else requestAnimationFrame(look)
  }
  requestAnimationFrame(look)

  // A key that opens a dialog is pressed until there is one.
  const KEY = PRESSED
  if (KEY) {
    const pressing = setInterval(() => {
      if (document.querySelector('[role=dialog]')) {
        clearInterval(pressing)
        tell('answered')
      } else (document.activeElement ?? document).dispatchEvent(new KeyboardEvent('keydown', { key: KEY, bubbles: true }))
    }, 10)
  }
})()
