// Builds the console into dist/web. Nothing is fetched from elsewhere, nothing is inlined: the page's policy forbids both.
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import tailwindcss from '@tailwindcss/vite'
import react from '@vitejs/plugin-react'
import { defineConfig, type Plugin } from 'vite'

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url))

/** The table that test/detectors wrote into the documentation, so that no figure stands anywhere a second time. */
function detectorFigures(): Plugin {
  const name = 'virtual:detector-figures'
  const page = here('../docs/detectors.md')
  return {
    name,
    resolveId: id => (id === name ? `\0${name}` : undefined),
    load(id) {
      if (id !== `\0${name}`) return undefined
      this.addWatchFile(page)
      const rows = [
        ...readFileSync(page, 'utf8').matchAll(
          /^\| `([a-z-]+)` \| ([^|]+) \| (\d+) \| \d+ \| \d+ \| ([\d.]+) \| ([\d.]+) \|$/gm,
        ),
      ].map(([, detector, corpus, labels, precision, recall]) => ({
        detector,
        corpus,
        labels,
        precision,
        recall,
      }))
      if (rows.length === 0) this.error(`no figures in ${page}`)
      return `export const figures = ${JSON.stringify(rows)}`
    },
  }
}

export default defineConfig({
  root: here('.'),
  plugins: [react(), tailwindcss(), detectorFigures()],
  build: {
    outDir: here('../dist/web'),
    emptyOutDir: true,
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    target: 'es2023',
    rolldownOptions: {
      // The contract's schemas are for the server; the console needs its paths and types alone.
      treeshake: { moduleSideEffects: id => !id.includes('/src/contract/') },
    },
  },
  logLevel: 'warn',
})
