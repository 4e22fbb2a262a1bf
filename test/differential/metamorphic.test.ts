// However a statement is spelled, it does the same; whatever it is put into, it does no less.
import { beforeAll, describe, expect, it } from 'vitest'
import {
  type Analyser,
  type Analysis,
  createPostgresAnalyser,
  type RawOperation,
} from '../../src/engines/sql/index.ts'
import { statementsOf } from '../regress/statements.ts'
import { hasSuite, schedule, scriptOf } from '../regress/suite.ts'
import { Random } from './random.ts'
import { blanked, cased, piecesOf, quoted, stringed } from './spellings.ts'
import { eachTemplate, statement } from './statements.ts'

const SEED = Number(process.env['DIFFERENTIAL_SEED'] ?? 20_261_121)
/** Of the regression suite every so many-th statement. */
const STEP = Number(process.env['DIFFERENTIAL_STEP'] ?? 40)

let analyser: Analyser
let samples: readonly { readonly text: string; readonly analysis: Analysis }[]
beforeAll(async () => {
  // Nothing is kept, so that each text is read for itself.
  analyser = await createPostgresAnalyser({ maxEntries: 0 })
  const random = new Random(SEED)
  const own = [...eachTemplate(random), ...Array.from({ length: 400 }, () => statement(random))]
  const theirs = hasSuite ? schedule().flatMap(name => statementsOf(scriptOf(name))) : []
  const some = theirs.filter((_, at) => at % STEP === SEED % STEP)
  samples = [...own, ...some].flatMap(text => {
    const analysis = analyser.analyse(text)
    return analysis.readable && text.length < 4000 ? [{ text, analysis }] : []
  })
})

describe(`a statement that is spelled in another way (seed ${SEED})`, () => {
  it.each([
    ['with comments and blanks', blanked],
    ['in other cases', cased],
    ['with quoted names', quoted],
    ['with strings of other forms', stringed],
  ])('%s does the same', (_, spell) => {
    const random = new Random(SEED)
    const differing: unknown[] = []
    for (const { text, analysis } of samples) {
      const other = spell(random, piecesOf(text))
      const got = analyser.analyse(other)
      if (!isSame(analysis, got)) differing.push({ text, other, got })
    }
    expect(differing.slice(0, 5)).toEqual([])
  })
})

function isSame(one: Analysis, other: ReturnType<Analyser['analyse']>): boolean {
  return other.readable && JSON.stringify(one.statements) === JSON.stringify(other.statements)
}

type Kind = 'query' | 'change' | 'returning'
const wrappings: readonly (readonly [
  name: string,
  of: readonly Kind[],
  wrap: (text: string) => string,
])[] = [
  ['EXPLAIN ANALYZE', ['query', 'change'], text => `explain (analyze, costs off) ${text}`],
  ['PREPARE', ['query', 'change'], text => `prepare w as ${text}`],
  ['PREPARE shown', ['query', 'change'], text => `explain analyze verbose ${text}`],
  ['COPY', ['query', 'returning'], text => `copy (${text}) to stdout`],
  ['a cursor', ['query'], text => `declare w cursor for ${text}`],
  ['a table of it', ['query'], text => `create table w as ${text}`],
  ['a materialized view', ['query'], text => `create materialized view w as (${text})`],
  ['EXPLAIN ANALYZE of a table', ['query'], text => `explain analyze create table w as ${text}`],
  ['a CTE', ['query', 'change'], text => `with w_ as (${text}) select 1`],
  ['a CTE of a change', ['query', 'returning'], text => `with w_ as (${text}) delete from w_2`],
  ['brackets', ['query'], text => `((${text}))`],
  ['FROM', ['query'], text => `select * from (${text}) w_`],
  ['EXISTS', ['query'], text => `select exists (${text})`],
  ['a condition', ['query'], text => `delete from w_ where a in (${text})`],
  ['ARRAY', ['query'], text => `select array(${text})`],
  ['a set operation', ['query'], text => `select 1 union all (${text})`],
  ['INSERT', ['query'], text => `insert into w_ (${text})`],
  ['LATERAL', ['query'], text => `select 1 from w_, lateral (${text}) w_2`],
  ['a limit', ['query'], text => `select 1 limit (${text})`],
  ['a column', ['query'], text => `update w_ set (a, b) = (${text})`],
  ['an argument', ['query'], text => `select lower((${text}))`],
  ['a text of several', ['query', 'change'], text => `select 1; ${text}; select 2`],
  ['a rule', ['change'], text => `create rule w as on insert to w_ do also (${text})`],
]

describe(`a statement inside another one (seed ${SEED})`, () => {
  it.each(wrappings)('%s does no less', (_, of, wrap) => {
    const weaker: unknown[] = []
    let tried = 0
    for (const { text, analysis } of samples) {
      const { statements } = analysis
      const kind = kindOf(text, statements)
      if (
        kind === undefined ||
        !of.some(each => each === kind || (each === 'change' && kind === 'returning'))
      )
        continue
      const wrapped = analyser.analyse(wrap(text))
      // Refused: less than nothing cannot be done.
      if (!wrapped.readable) continue
      tried += 1
      const all = wrapped.statements.flatMap(each => each.operations)
      const lost = (statements[0]?.operations ?? []).filter(
        one => !all.some(each => covers(each, one)),
      )
      if (lost.length > 0) weaker.push({ text: wrap(text), lost })
    }
    expect(weaker.slice(0, 5)).toEqual([])
    expect(tried).toBeGreaterThan(100)
  })
})

function kindOf(text: string, statements: Analysis['statements']): Kind | undefined {
  const [first, ...others] = statements
  if (first === undefined || others.length > 0) return undefined
  // A text of one statement without what follows it.
  if (/;\s*$|\binto\b.*\bfrom\b/is.test(text) && first.verb === 'SELECT') return undefined
  if (first.verb === 'SELECT') return 'query'
  if (!['INSERT', 'UPDATE', 'DELETE', 'MERGE'].includes(first.verb)) return undefined
  return first.returnsRows ? 'returning' : 'change'
}

const STRENGTH = ['connect', 'read', 'write', 'define', 'administer', 'execute']

/** True when `other` says all that `one` says. */
function covers(other: RawOperation, one: RawOperation): boolean {
  if (one.relation === undefined && one.object === undefined) return true
  const weaker = STRENGTH.indexOf(other.action) < STRENGTH.indexOf(one.action)
  return (
    !weaker &&
    other.relation?.name === one.relation?.name &&
    other.relation?.schema === one.relation?.schema &&
    other.object?.name === one.object?.name &&
    other.object?.kind === one.object?.kind &&
    one.flags.every(flag => other.flags.includes(flag)) &&
    (other.star || (!one.star && one.columns.every(name => other.columns.includes(name)))) &&
    one.qualified.every(name => other.qualified.includes(name) || other.star)
  )
}
