// What `npm test` runs once everything is installed: types, lint, unused code, then the tests.
import { spawnSync } from 'node:child_process'

const steps = [
  ['types', ['node_modules/typescript/bin/tsc', '--noEmit']],
  ['types of the console', ['node_modules/typescript/bin/tsc', '--noEmit', '-p', 'web']],
  ['lint', ['node_modules/@biomejs/biome/bin/biome', 'check', '--error-on-warnings', '.']],
  ['unused code', ['node_modules/knip/bin/knip.js', '--no-progress']],
  ['tests', ['node_modules/vitest/vitest.mjs', 'run', ...process.argv.slice(2)]],
]
for (const [name, args] of steps) {
  process.stdout.write(`\n— ${name}\n`)
  const { status } = spawnSync(process.execPath, [...process.execArgv, ...args], {
    stdio: 'inherit',
  })
  if (status !== 0) process.exit(status ?? 1)
}
