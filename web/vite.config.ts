import react from '@vitejs/plugin-react'
import { defineConfig } from 'vitest/config'

/** The portal that is running, for `npm run dev`: the link that `milepost portal --no-browser` prints. */
const portal = new URL(process.env.MILEPOST_PORTAL_LINK ?? 'http://127.0.0.1:8765/')
const headers = { Authorization: `Bearer ${portal.searchParams.get('token')}`, Origin: portal.origin }

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
    // Few files: a browser opens six connections to the portal, and asks for one file after another on each.
    cssCodeSplit: false,
    rolldownOptions: {
      output: {
        codeSplitting: {
          includeDependenciesRecursively: false,
          groups: [
            { name: 'highlight', test: /node_modules[\\/](highlight\.js|lowlight|devlop)[\\/]/, priority: 3 },
            { name: 'charts', test: /node_modules[\\/]uplot[\\/]|[\\/]src[\\/]charts[\\/](?!dark)/, priority: 2 },
            // All but those that read files of one kind: they come with what shows such files.
            { name: 'libraries', test: /node_modules[\\/](?!hyparquet|fflate|fzstd)/, priority: 1 },
            { name: 'parts', test: /[\\/]src[\\/](api|live|parts|state)[\\/]/ },
          ],
        },
      },
    },
  },
  server: { proxy: { '/api': { target: portal.origin, changeOrigin: true, headers } } },
  test: { include: ['src/**/*.test.ts'], environment: 'node', isolate: false },
})
