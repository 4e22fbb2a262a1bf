// "Did it write?": what the analyser calls reading must leave a real MariaDB as it was, whatever the text is made of.
// A text that is refused, or said to do more, is not run here: `run.ts` runs them all.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Random } from '../random.ts'
import { anyText } from './mutations.ts'
import { count, type Differential, newTally, startDifferential } from './suite.ts'
import { reads, tricky, writes } from './texts.ts'
import { type Think, thinker } from './thoughts.ts'

const SEED = Number(process.env['DIFFERENTIAL_SEED'] ?? 20_261_121)
const COUNT = 1_500

let think: Think
let differential: Differential
beforeAll(async () => {
  think = await thinker()
  differential = await startDifferential()
})
afterAll(() => differential?.stop())

async function misses(texts: Iterable<string>, sqlMode?: string): Promise<readonly string[]> {
  const tally = newTally()
  for (const text of texts) {
    const thought = think(text)
    if (thought.kind === 'read') count(tally, await differential.run(text, thought, sqlMode))
  }
  return tally.misses
}

describe('listed texts', () => {
  test('what writes is never called reading', () => {
    expect(writes.filter(text => think(text).kind === 'read')).toEqual([])
  })

  test('what reads is run, leaves nothing behind, and is mostly read as such', async () => {
    expect(await misses(reads)).toEqual([])
    expect(reads.filter(text => think(text).kind === 'refused')).toEqual([])
    expect(reads.filter(text => think(text).kind === 'read').length / reads.length).toBeGreaterThan(
      0.85,
    )
  })

  test('where scanners and servers part, nothing that wrote had been called reading', async () => {
    expect(await misses(tricky)).toEqual([])
  })

  test('neither in a server that is strict about nothing', async () => {
    expect(await misses([...tricky, ...reads], '')).toEqual([])
  })
})

test(`texts that nobody wrote (seed ${SEED})`, async () => {
  const random = new Random(SEED)
  expect(await misses(Array.from({ length: COUNT }, () => anyText(random)))).toEqual([])
})
