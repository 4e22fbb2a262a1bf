import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['src/**/*.test.ts', 'test/**/*.test.ts', 'demo/**/*.test.ts'],
    testTimeout: 30_000,
    hookTimeout: 120_000,
    maxWorkers: 2,
    // On CI's slow machine a wait may end too soon. Such a test, and none that saw something wrong, is run once more.
    retry: process.env['CI']
      ? { count: 1, condition: /in vain|timed out|Timeout \d+ms exceeded/ }
      : 0,
    // Node itself resolves `#room` through package.json and strips the types: tests run what ships.
    server: { deps: { external: [/node_modules/] } },
  },
})
