// The analyser's door: whatever comes in, an answer comes out, the same each time, soon, and cheap. What is not
// understood is refused.

import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { beforeAll, describe, expect, it } from 'vitest'
import {
  type Analyser,
  createPostgresAnalyser,
  type Names,
  toStatement,
} from '../../src/engines/sql/index.ts'
import { allStatements } from '../regress/coverage.ts'
import { hasSuite } from '../regress/suite.ts'
import { mutate, SOUP, soup } from './mutations.ts'
import { Random } from './random.ts'
import { shapes } from './shapes.ts'
import { statement } from './statements.ts'

const SEED = Number(process.env['DIFFERENTIAL_SEED'] ?? 20_261_121)
const COUNT = Number(process.env['DIFFERENTIAL_TEXTS'] ?? 3000)
const MOST_CPU_MS = 250
const MOST_BYTES = 64 * 1024 * 1024
/** Of time alone: machines differ, and other tests run beside this one. It holds without on the one it was written on. */
const SLACK = 3

let analyser: Analyser
let fresh: Analyser
let collectGarbage: () => void
beforeAll(async () => {
  analyser = await createPostgresAnalyser()
  fresh = await createPostgresAnalyser({ maxEntries: 0 })
  setFlagsFromString('--expose-gc')
  collectGarbage = runInNewContext('gc') as () => void
})

const names: Names = { resolve: () => [], functions: () => [] }

/** Reads it, twice, and makes a statement of it: none of that may throw. */
function judge(text: string): boolean {
  const analysis = analyser.analyse(text)
  expect(fresh.analyse(text), text.slice(0, 300)).toEqual(analysis)
  if (!analysis.readable) {
    expect(analysis.code).toMatch(/^(statement|setting)_/)
    expect(analysis.message).not.toBe('')
    return false
  }
  const { operations } = toStatement(analysis, names, { text, phase: 'execute' })
  expect(operations.length).toBeGreaterThan(0)
  return true
}

describe(`the analyser, given anything (seed ${SEED})`, () => {
  it('answers, and the same each time', () => {
    const random = new Random(SEED)
    const theirs = hasSuite ? allStatements() : ['select 1']
    const noise = () => {
      const length = random.below(200)
      const bytes = Buffer.from(Array.from({ length }, () => random.below(256)))
      return random.chance(0.5) ? bytes.toString('latin1') : bytes.toString('utf8')
    }
    const halves = () =>
      Array.from({ length: random.below(20) }, () =>
        random.chance(0.3) ? String.fromCharCode(0xd800 + random.below(0x800)) : random.of(SOUP),
      ).join(' ')
    let read = 0
    for (let at = 0; at < COUNT; at += 1) {
      const base = at % 2 === 0 ? random.of(theirs) : statement(random)
      const text = [() => mutate(random, base), () => soup(random), noise, halves][
        random.of([0, 0, 0, 1, 2, 3])
      ]?.() as string
      if (judge(text)) {
        read += 1
        expect(text.isWellFormed() && !text.includes('\0')).toBe(true)
      }
    }
    expect(read).toBeGreaterThan(COUNT / 20)
  })

  it.each(shapes)('bounds what it spends on %s', (_, make) => {
    for (const size of [1000, 20_000, 200_000]) {
      const text = make(size).slice(0, 1024 * 1024)
      collectGarbage()
      const before = process.memoryUsage()
      const cpu = process.cpuUsage()
      fresh.analyse(text)
      const { user } = process.cpuUsage(cpu)
      const after = process.memoryUsage()
      const bytes = after.heapUsed + after.external - before.heapUsed - before.external
      expect(user / 1000, `CPU of ${size}`).toBeLessThan(MOST_CPU_MS * SLACK)
      expect(bytes, `bytes of ${size}`).toBeLessThan(MOST_BYTES)
    }
  })
})

describe('a list that is cut before it is read', () => {
  const rows = (special: string, at: number, all = 4000) =>
    Array.from({ length: all }, (_, row) =>
      row === at ? special : `(${row}, 'name ${row}')`,
    ).join(', ')

  it.each([
    ['(1, (select ssn from secrets))', 'secrets'],
    ['(1, f_write())', 'f_write'],
    ["(1, ''), (2, ''''), ((select id from secrets), e'\\'')", 'secrets'],
    ["(1, 'x'), (lo_unlink(1), $$)$$)", 'lo_unlink'],
    ["(1, $a$ ' $a$), (2, f_write()), (3, $a$ ' $a$)", 'f_write'],
    ["(1, 'a' /* ' */), (f_write(), 'b' /* ' */)", 'f_write'],
    ["(1, 'a' --'\n), (f_write(), 'b' --'\n)", 'f_write'],
    ["(1, U&'\\0061'), (2, U&'\\'), (f_write(), ')')", 'f_write'],
    ["(1, E'\\\\'), (f_write(), 'x')", 'f_write'],
    ['(1, "ssn")', 'ssn'],
    ["(1, 'x'::spied)", 'spied'],
    ["(1, 'x' === 'y')", '==='],
    ["(1, 'x')); delete from secrets; select (1", 'secrets'],
    ["(1, 'x'); delete from secrets; values (1, 'x')", 'secrets'],
  ])('still holds what %s does, wherever it stands', (special, name) => {
    for (const at of [0, 1, 2, 64, 2000, 3999]) {
      const text = `insert into customers values ${rows(special, at)}`
      const analysis = fresh.analyse(text)
      // Refused is as good: nothing of it runs.
      if (!analysis.readable) continue
      expect(JSON.stringify(analysis.statements), `row ${at}`).toContain(`"${name}"`)
    }
  })

  it('is as if it were not', () => {
    const random = new Random(SEED)
    for (let time = 0; time < 40; time += 1) {
      const special = `(${random.below(9)}, ${mutate(random, "lower('a'), b, (select ssn from secrets where id = 1)")})`
      const short = fresh.analyse(`insert into customers values ${rows(special, 1, 3)}`)
      const long = fresh.analyse(
        `insert into customers values ${rows(special, random.below(4000))}`,
      )
      if (!long.readable) continue
      expect(short.readable, special).toBe(true)
      if (short.readable)
        expect(spelled(long.statements), special).toEqual(spelled(short.statements))
    }
  })
})

function spelled(statements: readonly { readonly operations: readonly object[] }[]): string[] {
  return statements.map(({ operations }) =>
    operations
      .map(each => JSON.stringify(each))
      .sort()
      .join(),
  )
}
