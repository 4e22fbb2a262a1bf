// The differential suite of MySQL at any length, every text run: prints what the server did and the analyser did not say.
//   node bin/node26.cjs test/differential/mysql/run.ts [--seed N] [--count N] [--reads]
// `--reads`: runs only what is called reading, which is ten times as quick.
import { parseArgs } from 'node:util'
import { Random } from '../random.ts'
import { anyText } from './mutations.ts'
import { count, DEFAULT_MODE, newTally, startDifferential } from './suite.ts'
import { reads, tricky, writes } from './texts.ts'
import { thinker } from './thoughts.ts'

const { values: options } = parseArgs({
  options: {
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    count: { type: 'string', default: '5000' },
    reads: { type: 'boolean', default: false },
  },
})
const say = (line: string) => process.stdout.write(`${line}\n`)
const think = await thinker()
const differential = await startDifferential()
const tally = newTally()
const random = new Random(Number(options.seed))
let shown = 0
let skipped = 0
const began = performance.now()
try {
  const listed = [...reads, ...writes, ...tricky]
  for (let at = 0; at < Number(options.count) + listed.length; at += 1) {
    const text = listed[at] ?? anyText(random)
    const thought = think(text)
    if (options.reads && thought.kind !== 'read') {
      skipped += 1
      continue
    }
    count(tally, await differential.run(text, thought, random.chance(0.2) ? '' : DEFAULT_MODE))
    for (const miss of tally.misses.slice(shown)) say(`MISS ${miss}`)
    shown = tally.misses.length
  }
} finally {
  await differential.stop()
}
say(
  `seed ${options.seed}: ${tally.tried} run (${tally.read} called reading, ${tally.refused} refused by us, ${tally.failed} by the server), ` +
    `${skipped} not run, ${tally.wrote} wrote, ${tally.misses.length} misses, ${Math.round(performance.now() - began)} ms`,
)
