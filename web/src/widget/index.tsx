import { createRoot } from 'react-dom/client'
import { Channel } from './channel'
import { hidePicture } from './hide_picture'
import type { WidgetModel } from './model'
import { Widget } from './Widget'

/** The build puts the styles here: a notebook loads this file and no other. */
const STYLES: string = 'MILEPOST_WIDGET_STYLES'

interface Props {
  readonly model: WidgetModel
  readonly el: HTMLElement
}

/**
 * anywidget's entry. All is drawn in a shadow root, so that the notebook's styles and the widget's do not meet, and its
 * styles are no <style> element, which strict policies of pages refuse.
 */
function render({ model, el }: Props): () => void {
  const host = document.createElement('div')
  el.append(host)
  const shadow = host.attachShadow({ mode: 'open' })
  const sheet = new CSSStyleSheet()
  sheet.replaceSync(STYLES)
  shadow.adoptedStyleSheets = [sheet]
  // Keys that are pressed in the widget are no commands to the notebook.
  host.setAttribute('data-lm-suppress-shortcuts', 'true')
  host.addEventListener('keydown', (event) => event.stopPropagation())
  const holder = document.createElement('div')
  shadow.append(holder)
  const channel = new Channel(model)
  const root = createRoot(holder)
  root.render(<Widget model={model} channel={channel} />)
  const show = hidePicture(String(model.get('picture') ?? ''))
  return () => {
    show()
    root.unmount()
    channel.close()
    host.remove()
  }
}

export default { render }
