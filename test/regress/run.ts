// The whole regression suite: prints where the gateway and the server itself differ, and writes each
// difference to test/regress/results/.
//   node bin/node26.cjs test/regress/run.ts [--only NAME[,NAME]] [--version 15|18] [--control] [--scan] [--times]
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { hasSuite, schedule, startComparison, suiteFolder } from './suite.ts'

const RESULTS = resolve('test/regress/results')
const { values: options } = parseArgs({
  options: {
    only: { type: 'string', default: '' },
    version: { type: 'string', default: '18' },
    control: { type: 'boolean', default: false },
    scan: { type: 'boolean', default: false },
    times: { type: 'boolean', default: false },
  },
})
const say = (line: string) => process.stdout.write(`${line}\n`)

if (!hasSuite) say(`Left out: ${suiteFolder} is not there.`)
else await main()

async function main(): Promise<void> {
  const version = options.version === '15' ? 15 : 18
  const comparison = await startComparison({ ...options, version })
  const reasons = new Map<string, number>()
  const [same, byDesign, different]: string[][] = [[], [], []]
  let lines = 0
  try {
    rmSync(RESULTS, { recursive: true, force: true })
    mkdirSync(RESULTS, { recursive: true })
    // With --only, what the files build on still runs.
    const names = options.only === '' ? schedule() : ['test_setup', ...options.only.split(',')]
    for (const name of names) {
      const compared = await comparison.compare(name)
      lines += compared.lines
      for (const [reason, count] of compared.byDesign) {
        reasons.set(reason, (reasons.get(reason) ?? 0) + count)
      }
      if (options.times) say(`${name.padEnd(24)} ${Math.round(compared.took)} ms`)
      if (compared.differences.length > 0) {
        different?.push(name)
        writeFileSync(join(RESULTS, `${name}.diff`), `${compared.differences.join('\n')}\n`)
        say(`${name.padEnd(24)} ${compared.differences.length} lines, ${compared.differences[0]}`)
      } else (compared.byDesign.size > 0 ? byDesign : same)?.push(name)
    }
  } finally {
    writeFileSync(join(RESULTS, 'gateway.log'), comparison.log())
    await comparison.stop()
  }
  say(
    `PostgreSQL ${version}: ${same?.length} files the same, ${byDesign?.length} but for what is by design ` +
      `(${[...reasons].map(([reason, count]) => `${reason} ${count}`).join(', ')}), ${different?.length} differ; ` +
      `${lines} lines in all (${RESULTS}).`,
  )
}
