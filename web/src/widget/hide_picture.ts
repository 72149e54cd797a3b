/**
 * The static picture of the run is an output of its own beside the widget: it is what is left where there is no kernel.
 * While the widget is there, it is hidden. A rule, and no attribute of the element: notebooks draw outputs anew.
 */
export function hidePicture(name: string): () => void {
  if (!/^[\w-]+$/.test(name)) return () => {}
  const sheet = new CSSStyleSheet()
  sheet.replaceSync(
    `.${name}, .jp-OutputArea-child:has(.${name}), .output_area:has(.${name}) { display: none !important; }`,
  )
  document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet]
  return () => {
    document.adoptedStyleSheets = document.adoptedStyleSheets.filter((each) => each !== sheet)
  }
}
