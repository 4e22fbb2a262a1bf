// Rights for a time and the broken glass, as processes against a real gateway with a real PostgreSQL behind it.
import { readFileSync } from 'node:fs'
import { Client } from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Stage, startStage } from '../../test/e2e/stage.ts'
import { within } from '../../test/servers/programs.ts'

const POLICIES = {
  'shop.cedar': `
@id("ask") @approvers("dba") @within("5m") @reason("shop is opened by a DBA")
permit (principal == User::"ana", action in [Action::"connect", Action::"read"], resource == Resource::"shop") when { context.approved };
@id("oncall") permit (principal == User::"dora", action == Action::"break_glass", resource == Resource::"shop");
@id("ana-reviews") permit (principal == User::"ana", action == Action::"approve", resource) when { context.verb == "REVIEW" };
@id("dba-looks") permit (principal in Group::"dba", action in [Action::"approve", Action::"console:read", Action::"console:operate"], resource);
`,
}
let stage: Stage
beforeAll(async () => {
  stage = await startStage({ policies: POLICIES })
})
afterAll(() => stage?.stop())

interface Seen {
  readonly id: string
  readonly state: string
  readonly grant?: string
}
const cli = async (who: string, ...args: string[]) =>
  stage.gateway.cli(args, await stage.token(who))
async function json<Value>(who: string, ...args: string[]): Promise<Value> {
  const ran = await cli(who, ...args, '--json')
  expect(ran.code, ran.stderr).toBe(0)
  return JSON.parse(ran.stdout)
}
async function connected(who: string): Promise<Client> {
  const db = new Client({
    host: '127.0.0.1',
    port: stage.gateway.port,
    user: who,
    password: await stage.token(who),
    database: 'shop',
    ssl: { ca: readFileSync(stage.gateway.ca, 'utf8') },
  })
  // A session that is ended under its client is what this is about.
  db.on('error', () => {})
  await db.connect()
  return db
}
const ask = (...more: string[]) => [
  'request',
  'shop',
  '--for',
  '1h',
  '--reason',
  'ticket 7',
  ...more,
]

describe('sallyport request', () => {
  it('asks for a time, is decided, lets the person in, and ends the session when the right is revoked', async () => {
    await expect(connected('ana')).rejects.toThrow(/no resource/)
    const asked = await json<Seen>('ana', ...ask('--uses', '2'))
    expect(asked).toMatchObject({
      kind: 'time',
      state: 'pending',
      resource: 'shop',
      principal: 'ana',
      statement: 'connect, read for 1 h, 2 sessions',
      reason: 'ticket 7',
      approvers: ['dba'],
      mayVote: false,
    })
    const listed = await cli('dora', 'requests', '--state', 'pending')
    expect(listed.stdout).toMatch(/pending ← +time +ana +shop +connect, read for 1 h, 2 sessions/)
    expect((await cli('ana', 'approve', asked.id)).stderr).toContain('not_allowed')
    const approved = await json<Seen>('dora', 'approve', asked.id, '--for', '30m', '--uses', '1')
    expect(approved).toMatchObject({ state: 'approved', approved: { seconds: 1800, uses: 1 } })
    const db = await connected('ana')
    expect((await db.query('select count(*) from customers')).rows).toHaveLength(1)
    await expect(db.query('delete from customers')).rejects.toMatchObject({ code: '42501' })
    await expect(connected('ana')).rejects.toThrow(/no resource/)
    const ended = new Promise<number>(resolve => db.once('end', () => resolve(performance.now())))
    const revoked = cli('dora', 'grants', '--revoke', approved.grant!)
    const told = await revoked.then(() => performance.now())
    within(2_000, (await ended) - told)
  })

  it('waits until it is decided, and says by its status what became of it', async () => {
    for (const [vote, code] of [
      ['deny', 1],
      ['approve', 0],
    ] as const) {
      const waiting = cli('ana', ...ask('--wait'))
      let found: Seen[] = []
      while (found.length === 0) found = await json('dora', 'requests', '--state', 'pending')
      await json('dora', vote, found[0]!.id)
      const ran = await waiting
      expect(ran.code, ran.stderr).toBe(code)
      expect(ran.stdout).toContain(`is ${vote === 'deny' ? 'denied' : 'approved'}`)
    }
  })

  it('is taken back by who asked alone', async () => {
    const asked = await json<Seen>('ana', ...ask('--actions', 'connect,read,write'))
    expect((await cli('dora', 'requests', asked.id, '--cancel')).stderr).toContain('not_allowed')
    expect(await json('ana', 'requests', asked.id, '--cancel')).toMatchObject({
      state: 'cancelled',
    })
  })

  it('is wrong usage without a time or a reason, and refused where there is nothing', async () => {
    for (const args of [
      ['request', 'shop', '--for', '1h'],
      ['request', 'shop', '--reason', 'x'],
      ['request', 'shop', '--for', 'soon', '--reason', 'x'],
      ['requests', '--cancel'],
    ])
      expect((await cli('ana', ...args)).code, args.join(' ')).toBe(2)
    const long = await cli('ana', 'request', 'shop', '--for', '9h', '--reason', 'x')
    expect(long).toMatchObject({ code: 2, stderr: expect.stringContaining('8h at most') })
    const nowhere = await cli('ana', 'request', 'nowhere', '--for', '1h', '--reason', 'x')
    expect(nowhere.stderr).toContain('resource_unknown')
  })
})

describe('sallyport break-glass', () => {
  it('lets an enrolled person in at once, and stays open until another person has looked', async () => {
    const args = ['break-glass', 'shop', '--reason', 'down', '--for', '5m']
    expect((await cli('ana', ...args)).stderr).toContain('not_allowed')
    expect((await cli('order-bot', ...args)).stderr).toContain('not_allowed')
    expect((await cli('dora', 'break-glass', 'shop', '--reason', 'x', '--for', '61m')).code).toBe(2)
    const { grant, review } = await json<{ grant: Seen; review: Seen }>('dora', ...args)
    expect(grant).toMatchObject({ principal: 'dora', breakGlass: true, request: review.id })
    const db = await connected('dora')
    await db.query("update customers set city = 'Oslo' where id = 7")
    await db.end()
    expect((await cli('dora', 'requests')).stdout).toMatch(/to review +review +dora/)
    expect((await cli('ana', 'requests')).stdout).toMatch(/to review ← +review +dora/)
    expect((await cli('dora', 'review', review.id, '--note', 'fine')).stderr).toContain(
      'not_allowed',
    )
    expect((await cli('ana', 'approve', review.id)).stderr).toContain('request_conflict')
    expect((await cli('ana', 'review', review.id, '--note', 'early')).stderr).toContain(
      'it is reviewed when it is over',
    )
    expect((await cli('dora', 'grants', '--revoke', grant.id)).code).toBe(0)
    expect(
      await json('ana', 'review', review.id, '--note', 'one row, as it should be'),
    ).toMatchObject({
      state: 'approved',
      votes: [{ approver: 'ana', reason: 'one row, as it should be' }],
    })
    expect((await cli('dora', 'requests', review.id)).stdout).toContain('ana looked at it: one row')
  })
})
