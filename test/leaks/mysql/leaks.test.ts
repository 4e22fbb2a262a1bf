// The leak suite on MySQL's wire: canaries in classed columns of a real MariaDB, thousands of ways to ask for them in
// text and as prepared statements, and not one byte of one of them in what a client gets.
import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type MysqlStage, startMysqlStage } from '../../e2e/mysql-stage.ts'
import { openMysql } from '../../servers/mysql-client.ts'
import { FLAGS } from '../../servers/mysql-packets.ts'
import { Asker, type Mode, type Seen } from './ask.ts'
import { allowAllButSeeing } from './policies.ts'
import { dataClasses, RESET, SCHEMA, watch } from './schema.ts'
import { byHand, knownLeaks, plain, products, type Shape } from './shapes.ts'

/** Of all products one of so many; all of them with LEAKS=all. */
const SHARE = process.env['LEAKS'] === 'all' ? 1 : 16

let stage: MysqlStage
beforeAll(async () => {
  stage = await startMysqlStage({
    name: 'leaks',
    init: SCHEMA,
    policies: allowAllButSeeing,
    dataClasses,
    server: { 'lock-wait-timeout': '1', 'innodb-lock-wait-timeout': '1' },
    // Asking by hidden values is allowed: masking alone must hold.
    resource: { masking: { predicates: 'allow' } },
    beside: ['guarded'],
  })
})
afterAll(() => stage?.stop())

async function askAll(shapes: readonly Shape[], mode: Mode): Promise<readonly Seen[]> {
  const asker = new Asker(
    { ...(await stage.through('ana')), database: 'leaks' },
    watch(),
    stage.server.files,
  )
  const seen: Seen[] = []
  for (const shape of shapes) {
    const one = await asker.ask(shape, mode)
    seen.push(one)
    if (
      one.touched &&
      /\b(insert|update|delete|replace|create|alter|rename|load|call)\b/.test(shape.steps.join())
    ) {
      await stage.server.query(RESET)
    }
  }
  asker.end()
  return seen
}

const leaks = (seen: readonly Seen[]) =>
  seen
    .filter(({ shape }) => !knownLeaks.has(shape.steps.join(' ;; ')))
    .flatMap(({ leak, silent }) => [leak, silent])
    .filter(each => each !== undefined)

describe.each(['text', 'binary'] as const)('%s', mode => {
  test('every expression in every place', { timeout: 300_000 }, async () => {
    const seen = await askAll(products(SHARE), mode)
    expect(leaks(seen).slice(0, 20)).toEqual([])
    expect(seen.length).toBeGreaterThan(3000 / SHARE)
    expect(seen.filter(({ answered }) => answered).length / seen.length).toBeGreaterThan(0.6)
  })

  test.each([...new Set(byHand.map(({ group }) => group))])(
    '%s',
    { timeout: 300_000 },
    async group => {
      const seen = await askAll(
        byHand.filter(shape => shape.group === group),
        mode,
      )
      expect(leaks(seen)).toEqual([])
      // It is no test where nothing is answered.
      expect(seen.filter(({ touched }) => touched).length / seen.length).toBeGreaterThan(0.25)
    },
  )

  test('what is no secret is told as it is', async () => {
    const through = await askAll(plain(), mode)
    const direct = new Asker({ ...stage.direct(), database: 'leaks' }, watch(), stage.server.files)
    const other: string[] = []
    let refused = 0
    for (const one of through) {
      const meant = await direct.ask(one.shape, mode)
      if (one.answers.some(({ error, ended }) => error !== undefined || ended)) refused += 1
      else if (JSON.stringify(rowsOf(one)) !== JSON.stringify(rowsOf(meant)))
        other.push(one.shape.steps.join(' ;; '))
    }
    direct.end()
    expect(other).toEqual([])
    expect(refused / through.length).toBeLessThan(0.15)
  })
})

const rowsOf = ({ answers }: Seen) => answers.map(({ rows }) => rows)

test('without the gateway most of them show a canary: the watch would see it', async () => {
  const asker = new Asker({ ...stage.direct(), database: 'leaks' }, watch(), stage.server.files)
  let shown = 0
  for (const shape of products(16)) if ((await asker.ask(shape, 'text')).leak) shown += 1
  asker.end()
  expect(shown / products(16).length).toBeGreaterThan(0.8)
})

test.each([
  "if(ssn < 'g', null, 'x')",
  "nullif(left(ssn, 1), 'f')",
  "case when ssn < 'g' then open end",
  "if(ssn < 'g', null, 1)",
  "if(ssn < 'g', null, now())",
  "substring(if(ssn < 'g', null, story) from 1 for 200)",
  "json_extract(if(ssn < 'g', null, '[1]'), '$[0]')",
  'lag(email) over (order by id)',
  'if(pin > 7000000000000000, seal, null)',
])('whether %s is NULL is not told', async expression => {
  const client = await openMysql({ ...(await stage.through('ana')), database: 'leaks' })
  const text = `select id, ${expression} as x, open from people order by id`
  for (const [answer] of [await client.query(text), await client.prepared(text)]) {
    expect(answer?.rows).toHaveLength(4)
    expect(new Set(answer?.rows.map(row => row[1])).size).toBe(1)
    expect(answer?.rows.map(row => row[2])).toEqual(['open-1', 'open-2', 'open-3', 'open-4'])
  }
  client.destroy()
})

test('how many rows made a warning is told nowhere', async () => {
  const client = await openMysql({ ...(await stage.through('ana')), database: 'leaks' })
  const ends: string[] = []
  for (const threshold of ['a', 'g', 'zz']) {
    const warns = `select cast(if(ssn < '${threshold}', '1', 'x') as signed) from people`
    for (const text of ['select @@warning_count', 'show count(*) warnings', 'show warnings'])
      for (const asked of [await client.query(warns), await client.prepared(warns)]) {
        const [answer] = asked
        // The end of the rows: warnings, then the status.
        ends.push(answer?.bytes.subarray(-4, -2).toString('hex') ?? '')
        const [told] = await client.query(text)
        ends.push(String(told?.rows ?? told?.error?.code))
      }
    await client.query(warns)
    const [session] = await client.query('select @@session.warning_count + @@error_count as n')
    ends.push(String(session?.rows))
  }
  client.destroy()
  expect(new Set(ends)).toEqual(new Set(['0000', '']))
})

test.each(['last_insert_id(5)', '@v := 1', 'rand()', 'uuid_short()', 'uuid()'])(
  'whether %s was reached may not hang on what is hidden',
  async call => {
    // (Under the rule that applies when nothing is configured.)
    const client = await openMysql({ ...(await stage.through('ana')), database: 'guarded' })
    for (const text of [
      `select if(ssn < 'g', ${call}, 1) from people`,
      `select case when ssn < 'g' then ${call} end from people`,
      `select coalesce(nullif(left(ssn, 1), 'f'), ${call}) from people`,
    ]) {
      const [answer] = await client.query(text)
      expect(answer?.error?.text, text).toContain('reason: masked_')
    }
    const [answer] = await client.query(`select id, ${call} is null from people`)
    expect(answer?.error).toBeUndefined()
    client.destroy()
  },
)

test('a warning about what is not hidden is told', async () => {
  const client = await openMysql({ ...(await stage.through('ana')), database: 'leaks' })
  const [answer] = await client.query("select cast('x' as signed) as n")
  expect(answer?.bytes.subarray(-4, -2).toString('hex')).toBe('0100')
  const [told] = await client.query('show warnings')
  expect(told?.rows[0]?.slice(0, 2)).toEqual(['Warning', '1292'])
  client.destroy()
})

describe('a view that another session redefines', () => {
  test.each([
    ['select a from turned'],
    ["select concat(a, '!') from turned"],
    ['select 1; select lower(a) from turned'],
    ['select cast(a as signed) from turned'],
    ['insert into notes (t) select a from turned'],
  ])('shows nothing to who waits behind it: %s', async text => {
    await stage.server.query('create or replace view turned as select name as a from people')
    const where = { ...(await stage.through('ana')), database: 'leaks' }
    const [one, other] = await Promise.all([
      openMysql({ ...where, flags: FLAGS.multiStatements }),
      openMysql(where),
    ])
    const holder = await openMysql({ ...stage.direct(), database: 'leaks' })
    // The catalog is read: what it says of the view is what it was.
    await one.query('select a from turned')
    await holder.query('begin')
    await holder.query('select * from turned')
    const redefined = other.query('create or replace view turned as select ssn as a from people')
    await pause(150)
    const asked = one.query(text)
    await pause(150)
    await holder.query('rollback')
    await redefined
    const answers = [...(await asked), ...(await one.query('select t from notes'))]
    for (const client of [one, other, holder]) client.destroy()
    expect(answers.map(({ bytes }) => watch().sees(bytes))).toEqual(answers.map(() => undefined))
    await stage.server.query(`${RESET} drop view turned;`)
  })
})

test.each([
  ['select cast(a as signed) + 0 from nested'],
  ["select concat(a, '') from nested"],
  ['insert into notes (t) select a from nested'],
])('a view over one that the same text redefines shows nothing: %s', async text => {
  await stage.server.query(
    'create or replace view turned as select name as a from people; create or replace view nested as select a from turned',
  )
  const where = { ...(await stage.through('ana')), database: 'leaks' }
  const client = await openMysql({ ...where, flags: FLAGS.multiStatements })
  await client.query('select a from nested')
  const redefine = 'create or replace view turned as select pin as a from people'
  const seen = [
    ...(await client.query(`${redefine}; ${text}`)),
    ...(await client.query('select t from notes')),
  ]
  client.destroy()
  expect(seen.map(({ bytes }) => watch().sees(bytes))).toEqual(seen.map(() => undefined))
  await stage.server.query(`${RESET} drop view nested; drop view turned;`)
})
