/** Whether the notebook around is dark, by what its front ends say of it; else what the system prefers. */
export function isDark(): boolean {
  const body = document.body
  const root = document.documentElement
  const jupyter = body.dataset.jpThemeLight ?? root.dataset.jpThemeLight // JupyterLab, Notebook 7
  if (jupyter !== undefined) return jupyter === 'false'
  const code = body.dataset.vscodeThemeKind ?? body.className // VS Code
  if (code.includes('vscode-')) return !/vscode-(light|high-contrast-light)/.test(code)
  const colab = root.getAttribute('theme') // Colab
  if (colab !== null) return colab === 'dark'
  if (body.classList.contains('dark') || body.classList.contains('dark-theme')) return true // marimo
  if (body.classList.contains('light') || body.classList.contains('light-theme')) return false
  return matchMedia('(prefers-color-scheme: dark)').matches
}

/** Tells when that may have changed; gives what ends it. */
export function onThemeChange(changed: () => void): () => void {
  const observer = new MutationObserver(changed)
  for (const element of [document.body, document.documentElement]) {
    observer.observe(element, {
      attributes: true,
      attributeFilter: ['class', 'theme', 'data-jp-theme-light', 'data-vscode-theme-kind'],
    })
  }
  const media = matchMedia('(prefers-color-scheme: dark)')
  media.addEventListener('change', changed)
  return () => {
    observer.disconnect()
    media.removeEventListener('change', changed)
  }
}
