/** A name that every file system takes. */
export function fileName(title: string, extension: string): string {
  const safe = title
    .replace(/[^\p{L}\p{N}._ -]+/gu, '_')
    .replace(/^[. ]+|[. ]+$/g, '')
    .slice(0, 100)
  return `${safe || 'chart'}.${extension}`
}

/** Hand a file to the reader. */
export function download(content: Blob, name: string): void {
  const address = URL.createObjectURL(content)
  const link = document.createElement('a')
  link.href = address
  link.download = name
  link.click()
  setTimeout(() => URL.revokeObjectURL(address), 10_000)
}

/** An SVG document as PNG, twice its size so that it stays sharp. Rejects where the browser cannot draw it. */
export async function svgAsPng(svg: string): Promise<Blob> {
  const address = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(svg)}`
  const picture = new Image()
  await new Promise<void>((done, fail) => {
    picture.onload = () => done()
    picture.onerror = () => fail(new Error('The browser could not draw the chart as a picture.'))
    picture.src = address
  })
  const canvas = document.createElement('canvas')
  canvas.width = picture.naturalWidth * 2
  canvas.height = picture.naturalHeight * 2
  canvas.getContext('2d')?.drawImage(picture, 0, 0, canvas.width, canvas.height)
  return new Promise((done, fail) =>
    canvas.toBlob((blob) => (blob ? done(blob) : fail(new Error('The browser could not write the PNG.'))), 'image/png'),
  )
}
