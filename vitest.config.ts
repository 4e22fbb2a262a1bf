import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['src/**/*.test.ts', 'test/**/*.test.ts', 'demo/**/*.test.ts'],
    testTimeout: 30_000,
    hookTimeout: 120_000,
    maxWorkers: 2,
    // Node itself resolves `#room` through package.json and strips the types: tests run what ships.
    server: { deps: { external: [/node_modules/] } },
  },
})
