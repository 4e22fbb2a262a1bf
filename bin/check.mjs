// What `npm test` runs once everything is installed: types, lint, unused code, then the tests.
import { spawnSync } from 'node:child_process'
import { relative } from 'node:path'
import { parseCLI, startVitest } from 'vitest/node'
import { waitedInVain } from '../test/waits.ts'

const VITEST = 'node_modules/vitest/vitest.mjs'

for (const [name, args] of [
  ['types', ['node_modules/typescript/bin/tsc', '--noEmit']],
  ['types of the console', ['node_modules/typescript/bin/tsc', '--noEmit', '-p', 'web']],
  ['lint', ['node_modules/@biomejs/biome/bin/biome', 'check', '--error-on-warnings', '.']],
  ['unused code', ['node_modules/knip/bin/knip.js', '--no-progress']],
]) {
  process.stdout.write(`\n— ${name}\n`)
  const status = run(args)
  if (status !== 0) process.exit(status)
}
process.stdout.write('\n— tests\n')
process.exit(await test(process.argv.slice(2)))

/** On CI's busy machines a wait may end too soon: files that failed of that, and of nothing else, are run once more. */
async function test(args) {
  const { filter, options } = parseCLI(['vitest', 'run', ...args])
  const vitest = await startVitest('test', filter, options)
  const files = vitest.state.getTestModules()
  const healthy = vitest.state.getUnhandledErrors().length === 0
  const status = Number(process.exitCode ?? 0)
  await vitest.close()
  const again = status === 0 || !healthy || !process.env.CI ? [] : waitedInVain(files)
  if (again.length === 0) return status
  const names = again.map(file => relative(process.cwd(), file))
  process.stdout.write(
    `\n— once more, nothing beside: waits ended too soon in ${names.join(' ')}\n`,
  )
  return run([VITEST, 'run', ...names, '--maxWorkers=1'])
}

function run(args) {
  const ran = spawnSync(process.execPath, [...process.execArgv, ...args], { stdio: 'inherit' })
  return ran.status ?? 1
}
