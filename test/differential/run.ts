// The differential suite at any length: prints what the server did and the gateway did not say.
//   npm run differential -- [--seed N] [--count N] [--version 15|18]
//   ... --regress all|NAME[,NAME] runs files of PostgreSQL's own regression suite instead
import { parseArgs } from 'node:util'
import { statementsOf } from '../regress/statements.ts'
import { schedule, scriptOf } from '../regress/suite.ts'
import { Random } from './random.ts'
import { eachTemplate, statement } from './statements.ts'
import { newTally, startDifferential, startEvolving } from './suite.ts'

const { values: options } = parseArgs({
  options: {
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    count: { type: 'string', default: '5000' },
    version: { type: 'string', default: '18' },
    regress: { type: 'string', default: '' },
  },
})
const say = (line: string) => process.stdout.write(`${line}\n`)
const version = options.version === '15' ? 15 : 18
const seed = Number(options.seed)
const tally = newTally()
let shown = 0
function show(): void {
  for (const found of tally.found.slice(shown)) {
    say(`MISS ${found.misses.join('; ')}\n  ${found.text}\n  ${found.operations.join(' | ')}`)
  }
  shown = tally.found.length
}
const started = performance.now()
if (options.regress === '') {
  const random = new Random(seed)
  const differential = await startDifferential(version)
  try {
    for (const text of eachTemplate(random)) await differential.try(text, tally)
    for (let at = 0; at < Number(options.count); at += 1) {
      await differential.try(statement(random), tally)
      show()
    }
  } finally {
    await differential.stop()
  }
} else {
  const evolving = await startEvolving(version)
  try {
    for (const name of options.regress === 'all' ? schedule() : options.regress.split(',')) {
      const before = tally.found.length
      const began = performance.now()
      await evolving.run(statementsOf(scriptOf(name)), tally)
      show()
      say(
        `${name} ${Math.round(performance.now() - began)} ms, ${tally.found.length - before} misses`,
      )
    }
  } finally {
    await evolving.stop()
  }
}
const list = (counts: ReadonlyMap<string, number>) =>
  [...counts]
    .sort(([, a], [, b]) => b - a)
    .map(([key, by]) => `${key} ${by}`)
    .join(', ')
say(
  `seed ${seed}: ${tally.tried} tried, ${tally.ran} ran, ${tally.found.length} misses, ${tally.stricter} judged more strictly than the server did`,
)
say(`touched: ${list(tally.covers)}`)
say(`refused by the server: ${list(tally.codes)}`)
say(`unread by us: ${list(tally.unread)}`)
say(`${Math.round(performance.now() - started)} ms`)
