// The whole leak suite, with a report: what leaks, what is refused, and what is hidden though it is no secret.
//   node bin/node26.cjs test/leaks/run.ts [--share N] [--only TEXT] [--version 15|18] [--who ana|carl|order-bot] [--list] [--hand | --raid] [--strict]
import { parseArgs } from 'node:util'
import { byHand } from './by-hand.ts'
import { raid } from './raid.ts'
import { raidReport, report } from './report.ts'
import { generated } from './shapes.ts'
import { startGround, type Who } from './stage.ts'
import { survey } from './survey.ts'

const { values: options } = parseArgs({
  options: {
    share: { type: 'string', default: '1' },
    only: { type: 'string', default: '' },
    version: { type: 'string', default: '' },
    who: { type: 'string', default: 'ana' },
    raid: { type: 'boolean', default: false },
    hand: { type: 'boolean', default: false },
    strict: { type: 'boolean', default: false },
    list: { type: 'boolean', default: false },
  },
})

const BOTH = ['simple', 'extended'] as const
const ground = await startGround()
try {
  for (const version of ground.versions) {
    if (options.version !== '' && String(version) !== options.version) continue
    if (options.raid) {
      const raids = await raid(ground, version, options.who as Who, BOTH, options.strict)
      process.stdout.write(
        `PostgreSQL ${version}, ${options.who}\n${raidReport(raids, options.list)}`,
      )
      continue
    }
    const all = options.hand ? byHand : generated(Number(options.share))
    const queries = all.filter(({ sql, shape }) => `${shape} ${sql}`.includes(options.only))
    const started = performance.now()
    const verdicts = await survey(ground, version, options.who as Who, queries, {
      everyMode: options.hand,
      strict: options.strict,
    })
    const took = Math.round(performance.now() - started)
    process.stdout.write(`PostgreSQL ${version}, ${options.who}, ${took} ms\n`)
    process.stdout.write(report(verdicts, options.list))
  }
} finally {
  await ground.stop()
}
