// Builds the console into dist/web. Nothing is fetched from elsewhere, nothing is inlined: the page's policy forbids both.
import { fileURLToPath } from 'node:url'
import tailwindcss from '@tailwindcss/vite'
import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url))

export default defineConfig({
  root: here('.'),
  plugins: [react(), tailwindcss()],
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
