// What a session refuses because of columns that its principal may not see, although policies permit the statement.
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type {
  AccessDenied,
  ColumnName,
  ComparedValue,
  FieldAsked,
  Lineage,
  Probe,
  Statement,
} from '#model'
import {
  nobodyWaits,
  operation,
  principal,
  statement,
  type TestGateway,
  testGateway,
} from '../gateway.testing.ts'
import { Permit } from '../protocol/index.ts'

const POLICIES = `
@id("staff") permit (principal in Group::"staff", action in [Action::"connect", Action::"read", Action::"write", Action::"execute"], resource in Resource::"shop");
@id("support-sees-email") permit (principal in Group::"support", action == Action::"reveal", resource == DataClass::"email");
`
const ana = principal('ana', ['staff'], { expiresAt: Date.now() + 24 * 3_600_000 })
const bot = principal('bot', ['staff'], { kind: 'agent', owners: ['olga'] })
const clerk = principal('clerk', ['staff', 'support'])
const helped = principal('ben', ['staff'], {
  actors: [{ kind: 'agent', id: 'bot', groups: ['staff'] }] as never,
})

const at = (column: string): ColumnName => ({ object: 'public.customers', column })
const email = at('email')
const ssn = at('ssn')

let test: TestGateway
beforeEach(async () => {
  test = await testGateway(POLICIES)
})
afterEach(() => test.close())

const nothing: Lineage = { outputs: [], probes: [], transfers: [] }

function asking(lineage: Partial<Lineage>, more: Partial<Statement> = {}): Statement {
  return statement('…', [operation('read', 'SELECT')], {
    mayDeriveFrom: [email, ssn, at('name')],
    lineage: [{ ...nothing, ...lineage }],
    ...more,
  })
}

const using = (use: Probe['use'], ...columns: ColumnName[]) =>
  asking({ probes: [{ use, columns }] })
const comparing = (compared: readonly ComparedValue[] | 'unknown', more: Partial<Statement> = {}) =>
  asking({ probes: [{ use: 'equality', columns: [ssn] }] }, { compared: () => compared, ...more })
const written = (text: string): ComparedValue => ({ columns: [ssn], value: { text } })

async function outcome(who: typeof ana, asked: Statement): Promise<string | AccessDenied> {
  const session = await test.open(who)
  try {
    const permit = await session.authorize(asked, nobodyWaits)
    return Permit.isMinted(permit) ? 'permitted' : 'nothing'
  } catch (error) {
    return error as AccessDenied
  } finally {
    await session.close('client_left')
  }
}
async function caught(ask: () => unknown): Promise<unknown> {
  try {
    await ask()
    return undefined
  } catch (error) {
    return error
  }
}
const refused = (code: string) => ({ code })

describe('asking about a masked field', () => {
  const field = (use: FieldAsked['use'], way: string, ...values: string[]): Statement =>
    asking({}, { fieldsAsked: [{ way: way.split('.'), use, values }] })

  it('is refused as asking about a column is, wherever an answer holds it', async () => {
    for (const way of ['ssn', 'spec.owner.SSN', 'metadata.labels.ssn', 'spec.tax']) {
      expect(await outcome(ana, field('condition', way)), way).toMatchObject({
        code: 'masked_predicate',
        detail: 'rule: masking.predicates: equality',
      })
      expect(await outcome(ana, field('test', way)), way).toMatchObject(refused('masked_predicate'))
      expect(await outcome(bot, field('equality', way, '1')), way).toMatchObject(
        refused('masked_predicate'),
      )
    }
    for (const way of ['tax', 'status.tax', 'metadata.labels.name'])
      expect(await outcome(bot, field('test', way)), way).toBe('permitted')
  })

  it('by values of their own is counted for people', async () => {
    expect(await outcome(ana, field('equality', 'spec.ssn', '1', '2', '3'))).toBe('permitted')
    expect(await outcome(ana, field('equality', 'spec.ssn', '2'))).toBe('permitted')
    expect(await outcome(ana, field('equality', 'spec.ssn', '4'))).toMatchObject(
      refused('masked_values_exceeded'),
    )
  })
})

describe('asking about a masked column', () => {
  it('is not free because something of the same statement was before', async () => {
    const session = await test.open(ana)
    const free = using('condition', at('name'))
    const authorize = (asked: Statement) => caught(() => session.authorize(asked, nobodyWaits))
    expect(await authorize(free)).toBeUndefined()
    expect(await authorize({ ...free, text: 'again' })).toBeUndefined()
    expect(await authorize(using('order', ssn))).toMatchObject({ code: 'masked_predicate' })
    // What cannot be told of it may be anything that it derives from.
    const sends = asking({ transfers: 'unknown' }, { mayDeriveFrom: [at('name')] })
    expect(await authorize(sends)).toBeUndefined()
    const more = { ...sends, mayDeriveFrom: [ssn], operations: [operation('write', 'INSERT')] }
    expect(await authorize(more)).toMatchObject({ code: 'masked_copy' })
    await session.close('client_left')
  })

  it('is refused for people beyond comparing it with values, and for agents altogether', async () => {
    const order = await outcome(ana, using('order', at('name'), ssn))
    expect(order).toMatchObject({
      code: 'masked_predicate',
      message: 'public.customers.ssn is masked for you as ssn: it may not order rows',
      detail: 'rule: masking.predicates: equality',
      hint: "Compare it with values of your own (ssn = '…'), leave it out, or ask for the right to reveal ssn.",
    })
    expect(await outcome(ana, comparing([written('1')]))).toBe('permitted')
    expect(await outcome(bot, comparing([written('1')]))).toMatchObject({
      code: 'masked_predicate',
      hint: 'Choose by other columns, or ask for the right to reveal ssn.',
    })
  })

  it('by an agent in the name of a person is refused as the agent’s own', async () => {
    expect(await outcome(helped, comparing([written('1')]))).toMatchObject(
      refused('masked_predicate'),
    )
  })

  it('is free for whoever may reveal it, and about columns of no class', async () => {
    expect(await outcome(clerk, using('order', email))).toBe('permitted')
    expect(await outcome(bot, using('condition', at('name'), at('id')))).toBe('permitted')
  })

  it('is refused when what is asked cannot be told and may be about it', async () => {
    const unclear = (mayDeriveFrom: Statement['mayDeriveFrom']) =>
      asking({ probes: 'unknown' }, { mayDeriveFrom })
    expect(await outcome(ana, unclear([ssn]))).toMatchObject(refused('masked_predicate'))
    expect(await outcome(ana, unclear('all'))).toMatchObject(refused('masked_predicate'))
    expect(await outcome(ana, unclear([at('name')]))).toBe('permitted')
  })

  it('is refused when the protocol cannot tell what is asked, and it may be about it', async () => {
    const { lineage: _none, ...untold } = asking({})
    expect(await outcome(ana, untold)).toMatchObject(refused('masked_predicate'))
    expect(await outcome(ana, { ...untold, mayDeriveFrom: [at('name')] })).toBe('permitted')
  })

  it('is refused when it is prepared already, before there are any values', async () => {
    const phase = 'prepare'
    const order = { ...using('order', ssn), phase } as const
    expect(await outcome(ana, order)).toMatchObject(refused('masked_predicate'))
    expect(await outcome(ana, comparing('unknown', { phase }))).toBe('permitted')
  })
})

describe('comparing a masked column with values', () => {
  const bound = (text: string | null): Statement =>
    comparing([{ columns: [ssn], value: { parameter: 0 } }], {
      parameters: [
        { type: 'text', format: 'text', value: text === null ? null : Buffer.from(text) },
      ],
    })

  it('is bounded within an hour, over all sessions, written or bound', async () => {
    for (const asked of [comparing([written('1'), written('2')]), bound('3'), bound('1')])
      expect(await outcome(ana, asked)).toBe('permitted')
    expect(await outcome(ana, bound('4'))).toMatchObject({
      code: 'masked_values_exceeded',
      message:
        'public.customers.ssn is masked for you as ssn: it may be compared with 3 different values within an hour',
    })
    expect(await outcome(ana, bound(null))).toBe('permitted')
    test.clock.now += 3_600_001
    expect(await outcome(ana, bound('4'))).toBe('permitted')
  })

  it('is refused when a value cannot be told', async () => {
    expect(await outcome(ana, comparing('unknown'))).toMatchObject(refused('masked_predicate'))
    expect(await outcome(ana, comparing([]))).toMatchObject(refused('masked_predicate'))
    const other = comparing([{ columns: [email], value: { text: 'x' } }])
    expect(await outcome(ana, other)).toMatchObject(refused('masked_predicate'))
    const missing = comparing([{ columns: [ssn], value: { parameter: 3 } }])
    expect(await outcome(ana, missing)).toMatchObject(refused('masked_predicate'))
  })

  it('says what was refused on record, and never the value', async () => {
    await outcome(bot, comparing([written('078-05-1120')]))
    const denied = (await test.entries()).find(({ kind }) => kind === 'statement.denied')
    expect(denied).toMatchObject({
      decision: { effect: 'deny', code: 'masked_predicate', policies: [] },
      masking: { columns: ['public.customers.ssn'], classes: ['ssn'] },
    })
    expect(JSON.stringify(denied)).not.toContain('078-05')
  })
})

describe('values that are masked', () => {
  const storing = (lineage: Partial<Lineage>, more: Partial<Statement> = {}) =>
    asking(lineage, { operations: [operation('write', 'INSERT', 'public.notes')], ...more })
  const into = (to: ColumnName | undefined, how: 'identity' | 'unknown' = 'identity') =>
    storing({ transfers: [{ sources: [ssn], how, by: 'INSERT', ...(to && { to }) }] })

  it('are not copied to where they would not be masked', async () => {
    expect(await outcome(ana, into({ object: 'public.notes', column: 'text' }))).toMatchObject({
      code: 'masked_copy',
      message:
        'public.customers.ssn is masked for you as ssn: INSERT may not store its values elsewhere or hand them on',
    })
    expect(await outcome(ana, into(ssn))).toBe('permitted')
    expect(await outcome(ana, into(ssn, 'unknown'))).toMatchObject(refused('masked_copy'))
    expect(await outcome(ana, storing({ transfers: 'unknown' }))).toMatchObject(
      refused('masked_copy'),
    )
    expect(await outcome(ana, asking({ transfers: 'unknown' }))).toBe('permitted')
  })

  it('do not come back as their masks', async () => {
    const mark = '⟦m:ssn⟧'
    const text = { ...storing({}), text: `insert into notes values ('${mark}')` }
    const parameters = [{ type: 'text', format: 'text', value: Buffer.from(`x${mark}`) }] as const
    expect(await outcome(ana, text)).toMatchObject(refused('mask_written_back'))
    expect(await outcome(ana, storing({}, { parameters }))).toMatchObject(
      refused('mask_written_back'),
    )
    // (As bytes that no text shows: a body's values, decoded.)
    const stored = () => [Buffer.from('fine'), Buffer.from(`x${mark}`)]
    expect(await outcome(ana, storing({}, { stored }))).toMatchObject(refused('mask_written_back'))
    expect(await outcome(ana, { ...text, lineage: [] })).toMatchObject(refused('mask_written_back'))
  })
})
