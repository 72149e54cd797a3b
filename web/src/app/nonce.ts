/** The nonce that this page's policy allows styles with; empty where the server set none. */
export function styleNonce(): string {
  // As a property: browsers hide it from the attribute.
  const nonce = document.querySelector<HTMLMetaElement>('meta[property="csp-nonce"]')?.nonce ?? ''
  return nonce === 'MILEPOST_CSP_NONCE' ? '' : nonce
}
