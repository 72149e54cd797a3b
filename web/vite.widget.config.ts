import react from '@vitejs/plugin-react'
import { defineConfig, type Plugin } from 'vite'

/** Where the widget's styles stand in its module: see src/widget/index.tsx. */
const PLACE = /(["'`])MILEPOST_WIDGET_STYLES\1/

/** The styles as a text in the module, which gives them to its own shadow root: notebooks load one file, and no other. */
function stylesInModule(): Plugin {
  return {
    name: 'milepost-styles-in-module',
    enforce: 'post',
    generateBundle(_, bundle) {
      const styles = Object.values(bundle).flatMap((each) =>
        each.type === 'asset' && each.fileName.endsWith('.css') ? [each] : [],
      )
      const text = styles.map((each) => String(each.source)).join('\n')
      for (const each of Object.values(bundle)) {
        if (each.type !== 'chunk') continue
        if (!PLACE.test(each.code)) throw new Error(`${each.fileName} has no place for its styles`)
        each.code = each.code.replace(PLACE, () => JSON.stringify(text))
      }
      for (const each of styles) delete bundle[each.fileName]
    },
  }
}

/** What belongs to the portal's page is too large for a notebook, and its styles are for a whole page. */
function withoutThePage(): Plugin {
  return {
    name: 'milepost-without-the-page',
    enforce: 'pre',
    resolveId(source, importer) {
      if (/^(@mantine|@tanstack|react-router)/.test(source)) {
        throw new Error(`the notebook widget must not have ${source}, which ${importer} imports`)
      }
      return null
    },
  }
}

export default defineConfig({
  plugins: [withoutThePage(), react(), stylesInModule()],
  define: { 'process.env.NODE_ENV': '"production"' },
  publicDir: false,
  build: {
    outDir: process.env.MILEPOST_WIDGET_OUT ?? '../src/milepost/widgets/static',
    emptyOutDir: true,
    target: 'es2022',
    cssCodeSplit: false,
    reportCompressedSize: true,
    // Libraries keep their white space unless it is asked for; nobody builds anything from this one.
    rolldownOptions: { output: { minify: true } },
    lib: { entry: 'src/widget/index.tsx', formats: ['es'], fileName: () => 'run_details.js' },
  },
})
