// The whole regression suite: prints where the gateway and the server itself differ, and writes each
// difference to test/regress/results/.
//   node bin/node26.cjs test/regress/run.ts [--only NAME] [--control]
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { hasSuite, schedule, startComparison, suiteFolder } from './suite.ts'

const RESULTS = resolve('test/regress/results')
const { values: options } = parseArgs({
  options: { only: { type: 'string', default: '' }, control: { type: 'boolean', default: false } },
})
const say = (line: string) => process.stdout.write(`${line}\n`)

if (!hasSuite) say(`Left out: ${suiteFolder} is not there.`)
else await main()

async function main(): Promise<void> {
  const comparison = await startComparison(options.control)
  try {
    rmSync(RESULTS, { recursive: true, force: true })
    mkdirSync(RESULTS, { recursive: true })
    let [same, different, lines] = [0, 0, 0]
    // With --only, what the file builds on still runs.
    for (const name of options.only === '' ? schedule() : ['test_setup', options.only]) {
      const compared = await comparison.compare(name)
      lines += compared.lines
      if (compared.differences.length === 0) {
        same += 1
        continue
      }
      different += 1
      writeFileSync(join(RESULTS, `${name}.diff`), `${compared.differences.join('\n')}\n`)
      const first = compared.differences.find(line => line.startsWith('+')) ?? ''
      say(`${name.padEnd(24)} ${compared.differences.length} lines; ${first.slice(0, 140)}`)
    }
    say(`${same} files the same, ${different} differ, ${lines} lines in all (${RESULTS}).`)
  } finally {
    await comparison.stop()
  }
}
