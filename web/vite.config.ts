import react from '@vitejs/plugin-react'
import { defineConfig } from 'vitest/config'

/** The portal that is running, for `npm run dev`: MILEPOST_PORTAL_URL=http://127.0.0.1:8765. */
const portal = process.env.MILEPOST_PORTAL_URL ?? 'http://127.0.0.1:8765'

export default defineConfig({
  plugins: [react()],
  // The server puts a nonce of its own for each answer in its place: see server/static.py.
  html: { cspNonce: 'MILEPOST_CSP_NONCE' },
  build: {
    outDir: process.env.MILEPOST_WEB_OUT ?? '../src/milepost/server/web',
    emptyOutDir: true,
    target: 'es2022',
    // The pages' policy takes neither inline scripts nor fonts and scripts from data addresses.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: true,
    chunkSizeWarningLimit: 700,
  },
  server: { proxy: { '/api': { target: portal, changeOrigin: true } } },
  test: { include: ['src/**/*.test.ts'], environment: 'node' },
})
