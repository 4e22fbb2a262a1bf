// The policies over the API: looked at, tried, changed, and what they were; and the classes of data.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import {
  type DataClassesView,
  type PoliciesView,
  type PolicyReplayed,
  type PolicyTried,
  paths,
} from '#contract'
import { nobodyWaits, principal, read } from '../gateway/gateway.testing.ts'
import { type TestApi, testApi } from './harness.ts'

const POLICIES = `
@id("staff") permit (principal in Group::"staff", action in [Action::"connect", Action::"read"], resource in Resource::"shop");
@id("looks") permit (principal in Group::"c-read", action in [Action::"console:read", Action::"console:audit"], resource == Gateway::"sallyport");
@id("changes") permit (principal in Group::"c-administer", action in [Action::"console:read", Action::"console:administer"], resource == Gateway::"sallyport");
@id("support-sees-email") permit (principal in Group::"support", action == Action::"reveal", resource == DataClass::"email");
`
const more =
  '@id("more") permit (principal in Group::"staff", action == Action::"write", resource in Resource::"shop");\n'
const CASES = `
- name: staff reads
  principal: { kind: user, id: ana, groups: [staff] }
  resource: shop
  statement: { operations: [{ action: read, object: public.customers }] }
  expect: { effect: permit, policies: [staff] }
- name: staff writes
  principal: { kind: user, id: ana, groups: [staff] }
  resource: shop
  statement: { operations: [{ action: write, object: public.customers }] }
  expect: { effect: permit }
`

let api: TestApi
let ada: string
let rita: string
const look = async () =>
  (await api.call('GET', paths.policies, { token: ada })).body as PoliciesView
const save = async (body: object, token = ada) =>
  api.call('POST', paths.policies, {
    token,
    body: { opened: (await look()).revision, note: 'ticket 7', ...body },
  })
const attempt = async (body: object, token = rita) =>
  (await api.call('POST', paths.policyTry, { token, body })).body as PolicyTried
const acted = async () =>
  (await api.entries()).filter(({ kind }) => kind === 'operator.acted').length

beforeAll(async () => {
  api = await testApi(POLICIES)
  ada = api.signIn(principal('ada', ['c-administer']))
  rita = api.signIn(principal('rita', ['c-read']))
  writeFileSync(join(api.policyFolder, 'shop.test.yaml'), CASES)
})
afterAll(() => api.stop())

describe('the policies', () => {
  it('are shown with their files and what they hold; who may not change them reads why', async () => {
    const shown = await look()
    expect(shown).toMatchObject({ inForce: true, editable: true, problems: [] })
    expect(shown.files).toEqual([{ name: 'test.cedar', text: POLICIES }])
    expect(shown.tests.map(({ name }) => name)).toEqual(['shop.test.yaml'])
    expect(shown.policies[0]).toMatchObject({ id: 'staff', effect: 'permit', line: 2 })
    const others = (await api.call('GET', paths.policies, { token: rita })).body
    expect(others).toMatchObject({
      editable: false,
      fixed: expect.stringContaining('console:administer'),
    })
  })

  it('are tried without being changed: places, warnings, cases, and the rights that would be left', async () => {
    const wrong = await attempt({ changes: [{ name: 'more.cedar', text: '@id("x") permit (x);' }] })
    expect(wrong).toMatchObject({
      ok: false,
      problems: [{ file: 'more.cedar', severity: 'error' }],
    })
    const doubtful = await attempt({
      changes: [{ name: 'more.cedar', text: more.replace('shop', 'shpo') }],
    })
    expect(doubtful).toMatchObject({ ok: true, problems: [{ severity: 'warning', line: 1 }] })
    const tried = await attempt({ tests: true, changes: [{ name: 'more.cedar', text: more }] })
    expect(tried.cases).toEqual([
      { file: 'shop.test.yaml', name: 'staff reads', passed: true, differences: [] },
      { file: 'shop.test.yaml', name: 'staff writes', passed: true, differences: [] },
    ])
    expect(
      (await attempt({ tests: true, changes: [] })).cases?.map(({ passed }) => passed),
    ).toEqual([true, false])
    expect(tried.rights).toEqual(['console:read', 'console:audit'])
    expect((await look()).files).toHaveLength(1)
  })

  it('tell why, as they would be', async () => {
    const body = {
      changes: [{ name: 'more.cedar', text: more.replace('write', 'tunnel') }],
      question: {
        resource: 'shop',
        statement: 'known',
        principal: { kind: 'user', id: 'ana', groups: ['staff'] },
      },
    }
    const ask = (changes: object[]) =>
      api.call('POST', paths.policyWhy, { token: rita, body: { ...body, changes } })
    expect((await ask(body.changes)).body).toMatchObject({ why: { names: 'catalog' } })
    const without = await ask([{ name: 'test.cedar', text: '' }])
    expect(without.body).toMatchObject({ why: { effect: 'deny', code: 'no_permit' } })
    const wrong = await ask([{ name: 'test.cedar', text: 'x' }])
    expect(wrong.body).toMatchObject({ problems: [{ severity: 'error' }] })
    expect(wrong.body).not.toHaveProperty('why')
    const other = api.signIn(principal('ada', ['c-administer']))
    expect((await api.call('POST', paths.policyWhy, { token: other, body })).status).toBe(403)
  })

  it('are changed by who may, on record before, in the file and in force after', async () => {
    const before = await look()
    const count = await acted()
    const answer = await save({ changes: [{ name: 'more.cedar', text: more }] })
    expect(answer.status).toBe(200)
    expect(readFileSync(join(api.policyFolder, 'more.cedar'), 'utf8')).toBe(more)
    expect((await api.entries()).filter(({ kind }) => kind === 'operator.acted')).toHaveLength(
      count + 1,
    )
    expect((await api.entries()).findLast(({ kind }) => kind === 'operator.acted')).toMatchObject({
      principal: { id: 'ada' },
      details: {
        action: 'change policies',
        files: ['more.cedar'],
        opened: before.revision,
        previous: before.policySet,
      },
    })
    await vi.waitFor(async () => expect((await look()).policies).toHaveLength(5), 30_000)
    const late = await save({ opened: before.revision, changes: [{ name: 'x.cedar', text: '' }] })
    expect(late.body).toMatchObject({ status: 409, code: 'request_conflict' })
  })

  it('are not changed by a set that does not check, nor by one that would lock its author out', async () => {
    const count = await acted()
    const wrong = await save({ changes: [{ name: 'more.cedar', text: 'permit' }] })
    expect(wrong.body).toMatchObject({
      status: 400,
      detail: expect.stringContaining('more.cedar:1:'),
    })
    const out = await save({
      changes: [{ name: 'test.cedar', text: POLICIES.replace('"c-administer"', '"nobody"') }],
    })
    expect(out.body).toMatchObject({
      status: 400,
      detail: expect.stringContaining('could not change them any more'),
    })
    expect(await acted()).toBe(count)
  })

  it('are not changed while the log cannot be written', async () => {
    api.audit.failing = true
    const { status } = await save({
      changes: [{ name: 'late.cedar', text: more.replace('more', 'late') }],
    })
    api.audit.failing = false
    expect(status).toBe(503)
    expect((await look()).files.map(({ name }) => name)).not.toContain('late.cedar')
  })

  it('keep what they were, with who changed them and why', async () => {
    const list = await api.call('GET', paths.policyVersions, { token: rita })
    expect(list.body).toMatchObject([
      { id: 2, principal: 'ada', note: 'ticket 7', changed: ['more.cedar'] },
      { id: 1 },
    ])
    const first = paths.policyVersion.replace(':id', '1')
    expect((await api.call('GET', first, { token: rita })).body).toEqual({
      id: 1,
      files: [{ name: 'test.cedar', text: POLICIES }],
    })
    const none = paths.policyVersion.replace(':id', '99')
    expect((await api.call('GET', none, { token: rita })).status).toBe(404)
  })

  it('are refused when they are more than a page sends, or not as the contract has them', async () => {
    const text = 'x'.repeat(1_048_577)
    for (const body of [
      { changes: [{ name: 'a.cedar', text }] },
      { changes: [{ name: '../a.cedar', text: '' }] },
      { changes: [{ name: 'a.cedar', text: '', more: 1 }] },
      {
        changes: [
          { name: 'a.cedar', text: '' },
          { name: 'a.cedar', text: '' },
        ],
      },
    ])
      expect((await api.call('POST', paths.policyTry, { token: rita, body })).status).toBe(400)
    expect((await save({ note: '  ', changes: [{ name: 'a.cedar', text: '' }] })).status).toBe(400)
  })
})

describe('the classes of data', () => {
  it('show their columns, a made-up value as it is masked, and who may see them', async () => {
    const { classes, resources } = (await api.call('GET', paths.dataClasses, { token: rita }))
      .body as DataClassesView
    expect(resources).toEqual([
      { name: 'shop', known: true, predicates: { user: 'equality', agent: 'deny' } },
    ])
    expect(classes[0]).toMatchObject({
      name: 'email',
      detector: 'built-in',
      example: { value: 'jane.roe@example.com', shown: 'j***@example.com' },
      matches: [{ resource: 'shop', object: 'public.customers', column: 'email' }],
      more: false,
      reveal: [{ id: 'support-sees-email' }],
    })
    expect(classes[1]).toMatchObject({ name: 'ssn', matches: [], example: { shown: '⟦m:ssn⟧' } })
  })
})

describe('the past under other policies', () => {
  it('is decided again by both sets: what would be denied, held, masked or allowed; each recording that was read is on record', async () => {
    const ana = principal('ana', ['staff'])
    const session = await api.open(ana)
    for (const text of ['shows', 'shows', 'select 1']) {
      const permit = await session.authorize({ ...read(text) }, nobodyWaits)
      await session.complete(permit, { status: 'completed', rows: 1, bytes: 1 })
    }
    await session.close('client_left')
    const audit = api.signIn(principal('rita', ['c-read']))
    const replay = async (text: string) =>
      (
        await api.call('POST', paths.policyReplay, {
          token: audit,
          body: { changes: [{ name: 'replay.cedar', text }] },
        })
      ).body as PolicyReplayed
    const same = await replay('// nothing new')
    expect(same.replay).toMatchObject({ statements: 3, skipped: 0, unread: 0, differs: [] })
    const denied = await replay(
      '@id("frozen") @reason("frozen") forbid (principal, action == Action::"read", resource);',
    )
    expect(denied.replay?.differs).toMatchObject([
      {
        principal: 'ana',
        text: 'shows',
        count: 2,
        session: session.id,
        before: { effect: 'permit', masked: ['email'] },
        after: { effect: 'deny', policies: ['frozen'] },
      },
      { text: 'select 1', count: 1 },
    ])
    const held = await replay(
      '@id("asks") forbid (principal, action == Action::"read", resource) unless { context.approved };',
    )
    expect(held.replay?.differs[0]?.after).toMatchObject({
      effect: 'held',
      policies: ['asks', 'staff'],
    })
    const shown = await replay(
      '@id("sees") permit (principal in Group::"staff", action == Action::"reveal", resource == DataClass::"email");',
    )
    expect(shown.replay?.differs).toMatchObject([
      { text: 'shows', before: { masked: ['email'] }, after: { effect: 'permit', masked: [] } },
    ])
    const wrong = await replay('nonsense')
    expect(wrong.replay).toBeUndefined()
    expect(wrong.problems[0]).toMatchObject({ severity: 'error' })
    const reads = (await api.entries()).filter(({ kind }) => kind === 'recording.read')
    expect(reads.length).toBeGreaterThan(0)
    expect(reads[0]).toMatchObject({ session: session.id, principal: { id: 'rita' } })
  })
})
