// What approvers are shown of a held statement, and what a protocol that is slow, broken or hostile can do to it.
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  type AccessRequest,
  type Preview,
  type Statement,
  type StatementRequest,
  UpstreamError,
} from '#model'
import { found, within } from '../../../test/servers/programs.ts'
import {
  operation,
  origin,
  principal,
  statement,
  type TestGateway,
  testGateway,
  write,
} from '../gateway.testing.ts'
import type { UpstreamAccess, Waiting } from '../protocol/index.ts'

const POLICIES = `
@id("staff") permit (principal in Group::"staff", action in [Action::"connect", Action::"read", Action::"write"], resource in Resource::"shop");
@id("dba-first") @approvers("dba") @within("15m") @reason("Ask the DBAs.")
forbid (principal, action == Action::"write", resource in Resource::"shop") unless { context.approved };
`
const TWO = `${POLICIES}
@id("security-too") @approvers("security") @within("15m") @reason("Ask security.")
forbid (principal, action == Action::"write", resource in Resource::"shop") unless { context.approved };
`
const bot = principal('bot', ['staff'], { kind: 'agent' })
const dora = principal('dora', ['dba'])
const dan = principal('dan', ['dba'])

const seen = (rows: number, more: Partial<Preview> = {}): Preview => ({
  tables: [{ name: 'public.customers', kind: 'table', rows: 300, exact: false }],
  estimate: { rows, effect: 'changes', guarded: true },
  plan: 'Delete on customers',
  notes: [],
  ...more,
})

type Look = (statement: Statement, access: UpstreamAccess) => Promise<Preview>
const waits = (preview: Look): Waiting => ({
  notify: () => {},
  signal: new AbortController().signal,
  preview,
})

let test: TestGateway
beforeEach(async () => {
  test = await testGateway(POLICIES)
  test.hold.agent = 0
})
afterEach(() => test.close())

const until = <Value>(look: () => Promise<Value | undefined>) => found('it to come', look)
async function ask(waiting: Waiting, text?: string): Promise<string> {
  const session = await test.open(bot)
  const error = await Promise.resolve(session.authorize(write(text), waiting)).then(
    () => undefined,
    (refused: { requestId: string }) => refused,
  )
  await session.close('client_left')
  return error!.requestId
}
const held = (request: AccessRequest): StatementRequest => {
  if (request.kind !== 'statement') throw new Error('it is no statement')
  return request
}
const get = async (id: string): Promise<StatementRequest> => held(await test.requests.get(id))
const looked = (id: string): Promise<StatementRequest> =>
  until(async () => {
    const request = await get(id)
    return request.preview === undefined ? undefined : request
  })
const yes = async (who: typeof dora, id: string, maxRows?: number) =>
  held(
    await test.gateway.vote(who, id, 'approve', maxRows === undefined ? {} : { maxRows }, origin),
  )

describe('a held statement', () => {
  it('is asked about at once, and shows what it would do when that is known, though its client has left', async () => {
    const { promise, resolve } = Promise.withResolvers<Preview>()
    const id = await ask(waits(() => promise))
    expect((await get(id)).preview).toBeUndefined()
    resolve(seen(100))
    expect(await looked(id)).toMatchObject({
      state: 'pending',
      preview: seen(100),
      defaultMaxRows: 120,
    })
  })

  it('waits on while it is looked at, and the bound of the look is that of a plain yes', async () => {
    test.hold.agent = 5_000
    const session = await test.open(bot)
    const running = session.authorize(
      write(),
      waits(async () => seen(3)),
    )
    const { id } = await until(async () => (await test.requests.list({ limit: 1 }))[0])
    await looked(id)
    await yes(dora, id)
    expect((await running).maxRows).toBe(13)
  })

  it('tells whoever asks nothing of the look: an estimate answers what it may not read', async () => {
    test.hold.agent = 150
    const session = await test.open(bot)
    const said: string[] = []
    const refused = await Promise.resolve(
      session.authorize(write(), {
        ...waits(async () => seen(71_113)),
        notify: message => said.push(message),
      }),
    ).catch((error: Error) => error)
    const [request] = await test.requests.list({ limit: 1 })
    expect(request).toMatchObject({ defaultMaxRows: 85_336 })
    expect(JSON.stringify([refused, said])).not.toMatch(/71113|85336/)
  })

  it.each([
    [0, 10],
    [3, 13],
    [50, 60],
    [51, 62],
    [1_000_001, 1_200_002],
  ])('that may change %i rows has a default bound of %i', async (rows, bound) => {
    const id = await ask(waits(async () => seen(rows)))
    expect((await looked(id)).defaultMaxRows).toBe(bound)
  })

  it('runs under the bound that its approver names instead, also a higher one', async () => {
    const id = await ask(waits(async () => seen(3)))
    await looked(id)
    expect((await yes(dora, id, 5_000)).maxRows).toBe(5_000)
  })

  it('runs under the lowest bound of several approvers, the shown one for those who name none', async () => {
    test.usePolicies(POLICIES.replace('@within', '@quorum("2") @within'))
    const id = await ask(waits(async () => seen(3)))
    await looked(id)
    await yes(dora, id, 5_000)
    expect(await yes(dan, id)).toMatchObject({ state: 'approved', maxRows: 13 })
  })

  it.each([
    ['returns rows', seen(7, { estimate: { rows: 7, effect: 'returns', guarded: false } })],
    ['cannot be counted', seen(7, { estimate: { rows: 7, effect: 'changes', guarded: false } })],
    ['has no estimate', { tables: [], notes: [], unavailable: 'It cannot be planned.' }],
  ])('that %s has no default bound', async (_, preview) => {
    const id = await ask(waits(async () => preview))
    expect((await looked(id)).defaultMaxRows).toBeUndefined()
    expect((await yes(dora, id)).maxRows).toBeUndefined()
  })

  it('is looked at once, for the people of both policies', async () => {
    test.usePolicies(TWO)
    let looks = 0
    await ask(
      waits(async () => {
        looks += 1
        return seen(3)
      }),
    )
    const requests = await until(async () => {
      const found = (await test.requests.list({ limit: 10 })).map(held)
      return found.every(({ preview }) => preview !== undefined) ? found : undefined
    })
    expect(requests).toHaveLength(2)
    expect(looks).toBe(1)
  })

  it('is looked at alone: the next one of its resource waits for its turn', async () => {
    const running = new Set<string>()
    let most = 0
    const look: Look = async ({ text }) => {
      running.add(text)
      most = Math.max(most, running.size)
      await new Promise(resolve => setTimeout(resolve, 10))
      running.delete(text)
      return seen(1)
    }
    const ids = await Promise.all(
      ['delete from a', 'delete from b', 'delete from c'].map(text => ask(waits(look), text)),
    )
    for (const id of ids) await looked(id)
    expect(most).toBe(1)
  })

  it('is looked at with the values that were judged, whatever becomes of their buffer', async () => {
    const value = Buffer.from('before')
    let first = true
    const turn = Promise.withResolvers<void>()
    const values: string[] = []
    const look: Look = async ({ parameters = [] }) => {
      if (first) {
        first = false
        await turn.promise
      }
      for (const each of parameters) values.push(Buffer.from(each.value ?? []).toString())
      return seen(1)
    }
    await ask(waits(look))
    const session = await test.open(bot)
    const bound = statement('delete from b where x = $1', [operation('write', 'DELETE')], {
      parameters: [{ type: '25', format: 'text', value }],
    })
    const { requestId } = await Promise.resolve(session.authorize(bound, waits(look))).catch(e => e)
    value.fill('x')
    turn.resolve()
    await looked(requestId)
    expect(values).toEqual(['before'])
  })

  it('leaves what was shown on record, by its hash, and no text of it', async () => {
    const id = await ask(waits(async () => seen(100, { plan: 'Filter: secret' })))
    await looked(id)
    await yes(dora, id)
    const entries = await test.entries()
    const of = (kind: string) => entries.find(entry => entry['kind'] === kind)?.['details']
    const preview = expect.stringMatching(/^[0-9a-f]{64}$/)
    expect(of('request.previewed')).toMatchObject({
      request: id,
      preview,
      rows: 100,
      effect: 'changes',
      planned: true,
      defaultMaxRows: 120,
    })
    expect(of('request.voted')).toMatchObject({ preview })
    expect(of('request.decided')).toMatchObject({ maxRows: 120 })
    expect(JSON.stringify(entries)).not.toContain('secret')
  })
})

describe('a look', () => {
  it('that fails says why, and one that breaks says nothing of how', async () => {
    const unreachable = new UpstreamError('upstream_unreachable', 'the database is not there')
    const one = await ask(waits(() => Promise.reject(unreachable)))
    expect((await looked(one)).preview).toEqual({
      tables: [],
      unavailable: 'the database is not there',
      notes: [],
    })
    const two = await ask(
      waits(() => {
        throw new TypeError('inside')
      }),
      'delete from b',
    )
    expect((await looked(two)).preview).toMatchObject({ unavailable: 'It could not be looked at.' })
  })

  it('is asked to end, and given up after three seconds; the request can be decided all the while', async () => {
    let asked: AbortSignal | undefined
    const from = performance.now()
    const id = await ask(
      waits((_, { signal }) => {
        asked = signal
        return new Promise(() => {})
      }),
    )
    expect((await looked(id)).preview).toMatchObject({
      unavailable: 'The system did not answer in time.',
    })
    within(3_500, performance.now() - from)
    expect(asked?.aborted).toBe(true)
    expect((await yes(dora, id)).state).toBe('approved')
  })

  it('that comes after the yes changes nothing', async () => {
    const { promise, resolve } = Promise.withResolvers<Preview>()
    const id = await ask(waits(() => promise))
    await yes(dora, id)
    resolve(seen(1))
    await ask(
      waits(async () => seen(2)),
      'delete from b',
    ).then(looked)
    expect(await get(id)).toMatchObject({ state: 'approved' })
    expect((await get(id)).preview).toBeUndefined()
    expect((await get(id)).maxRows).toBeUndefined()
  })

  it('of a hostile system is bounded in every part', async () => {
    const id = await ask(
      waits(async () => ({
        tables: Array.from({ length: 500 }, () => ({
          name: 'n'.repeat(5_000),
          kind: 'k'.repeat(5_000),
          rows: Number.POSITIVE_INFINITY,
          exact: false,
        })),
        estimate: { rows: Number.NaN, effect: 'changes' as const, guarded: true },
        plan: '€'.repeat(1_000_000),
        changes: '~'.repeat(1_000_000),
        notes: Array.from({ length: 500 }, () => 'w'.repeat(5_000)),
      })),
    )
    const request = await looked(id)
    expect(JSON.stringify(request).length).toBeLessThan(70_000)
    expect(request.preview?.tables).toHaveLength(32)
    expect(request.preview?.plan).toMatch(/CUT: the plan has \d+ more bytes$/)
    expect(request.preview?.changes).toMatch(/CUT: there are \d+ more bytes$/)
    expect(request.preview?.notes).toContain('468 more tables are not listed.')
  })

  it('ends with the gateway', async () => {
    let asked: AbortSignal | undefined
    await ask(
      waits((_, { signal }) => {
        asked = signal
        return new Promise(() => {})
      }),
    )
    await until(async () => asked)
    const from = performance.now()
    await test.gateway.stop()
    within(1_000, performance.now() - from)
    expect(asked?.aborted).toBe(true)
  })
})
