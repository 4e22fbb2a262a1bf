import {
  chmodSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Problem } from '#engines/policy'
import { type Database, openDatabase } from '../db/index.ts'
import { JOURNAL } from './folder-change.ts'
import { PolicyHistory } from './history.ts'
import { openPolicies, type Policies, type PolicySave } from './policies.ts'
import { policyMigrations } from './tables.ts'

const policy = (id: string, action = 'read') =>
  `@id("${id}") permit (principal, action == Action::"${action}", resource in Resource::"shop");\n`
const vocabulary = () => ({ resources: [{ name: 'shop', tags: {} }], dataClasses: [] })

let folder: string
let store: Database
let history: PolicyHistory
let problems: Problem[]
let open: Policies | undefined
const path = (name: string) => join(folder, name)
const texts = () =>
  Object.fromEntries(
    readdirSync(folder)
      .sort()
      .map(name => [name, readFileSync(path(name), 'utf8')]),
  )

async function start(editable = true): Promise<Policies> {
  open?.close()
  open = await openPolicies({
    folder,
    editable,
    history,
    vocabulary,
    onProblem: found => problems.push(...found),
    settleMs: 20,
  })
  return open
}

async function save(
  policies: Policies,
  changes: PolicySave['changes'],
  more: Partial<PolicySave> = {},
) {
  const { revision } = await policies.look()
  const record = async () => {}
  return policies.save({ opened: revision, changes, principal: 'ada', note: 'x', record, ...more })
}

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'policies-'))
  store = await openDatabase(':memory:', [policyMigrations])
  history = new PolicyHistory(store, Date.now)
  problems = []
  writeFileSync(path('a.cedar'), policy('a'))
})
afterEach(async () => {
  open?.close()
  open = undefined
  await store.close()
  rmSync(folder, { recursive: true, force: true })
})

describe('a change that is saved', () => {
  it('is on record, then in the files, then in force, and says who it was', async () => {
    const policies = await start()
    const order: string[] = []
    policies.onChange((set, by) => order.push(`in force: ${set.policies.length} by ${by}`))
    const { revision } = await save(
      policies,
      [
        { name: 'a.cedar', text: policy('a', 'write') },
        { name: 'b.cedar', text: policy('b') },
      ],
      {
        record: async after => {
          expect(texts()).toEqual({ 'a.cedar': policy('a') })
          order.push(`on record: ${after.policySet.policies.length}`)
        },
      },
    )
    expect(order).toEqual(['on record: 2', 'in force: 2 by ada'])
    expect(texts()).toEqual({ 'a.cedar': policy('a', 'write'), 'b.cedar': policy('b') })
    expect(await policies.look()).toMatchObject({ revision, inForce: true, problems: [] })
  })

  it('may move a policy from one file to another, and take a file away', async () => {
    const policies = await start()
    await save(policies, [
      { name: 'a.cedar', text: null },
      { name: 'c.cedar', text: `// moved\n${policy('a')}` },
    ])
    expect(Object.keys(texts())).toEqual(['c.cedar'])
  })

  it('keeps the mode of its file, and leaves no draft behind', async () => {
    chmodSync(path('a.cedar'), 0o640)
    const policies = await start()
    await save(policies, [{ name: 'a.cedar', text: policy('a', 'write') }])
    expect(statSync(path('a.cedar')).mode & 0o777).toBe(0o640)
    expect(readdirSync(folder)).toEqual(['a.cedar'])
  })

  it('never is a set that does not check', async () => {
    const policies = await start()
    const before = policies.current()
    const record = vi.fn(async () => {})
    const wrong = [{ name: 'a.cedar', text: policy('a', 'reed') }]
    await expect(save(policies, wrong, { record })).rejects.toThrow(/do not check: a\.cedar:1:/)
    expect(record).not.toHaveBeenCalled()
    expect(policies.current()).toBe(before)
    expect(texts()).toEqual({ 'a.cedar': policy('a') })
  })

  it('is refused when the files are not those that were opened', async () => {
    const policies = await start()
    const { revision } = await policies.look()
    writeFileSync(path('a.cedar'), `${policy('a')}// a word of somebody else\n`)
    const changes = [{ name: 'b.cedar', text: policy('b') }]
    await expect(save(policies, changes, { opened: revision })).rejects.toMatchObject({
      code: 'request_conflict',
    })
    expect(Object.keys(texts())).toEqual(['a.cedar'])
  })

  it('is made once when two save at the same moment', async () => {
    const policies = await start()
    const opened = (await policies.look()).revision
    const results = await Promise.allSettled([
      save(policies, [{ name: 'b.cedar', text: policy('b') }], { opened }),
      save(policies, [{ name: 'c.cedar', text: policy('c') }], { opened }),
    ])
    expect(results.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
    expect(Object.keys(texts())).toHaveLength(2)
  })

  it('is not made when it cannot be put on record', async () => {
    const policies = await start()
    const before = policies.current()
    const record = () => Promise.reject(new Error('the log cannot be written'))
    const changes = [{ name: 'b.cedar', text: policy('b') }]
    await expect(save(policies, changes, { record })).rejects.toThrow('the log cannot')
    expect(policies.current()).toBe(before)
    expect(Object.keys(texts())).toEqual(['a.cedar'])
  })

  it('is refused where configuration leaves the files to others', async () => {
    const policies = await start(false)
    expect((await policies.look()).fixed).toMatch(/policies\.editable is off/)
    await expect(save(policies, [{ name: 'b.cedar', text: policy('b') }])).rejects.toMatchObject({
      code: 'not_allowed',
    })
  })

  it.each([
    ['../b.cedar'],
    ['b/c.cedar'],
    ['.hidden.cedar'],
    ['b.txt'],
    ['b.cedar\u0000'],
    [`${'b'.repeat(120)}.cedar`],
  ])('makes no file %j', async name => {
    const policies = await start()
    await expect(save(policies, [{ name, text: policy('b') }])).rejects.toMatchObject({
      code: 'request_invalid',
    })
    expect(readdirSync(folder)).toEqual(['a.cedar'])
  })

  it('is refused when it could not be read again as it is', async () => {
    const policies = await start()
    for (const text of [`// \ud800\n${policy('b')}`, `\ufeff${policy('b')}`, ' '.repeat(1_048_577)])
      await expect(save(policies, [{ name: 'b.cedar', text }])).rejects.toMatchObject({
        code: 'request_invalid',
      })
  })

  it('makes no file beside one that some file systems take for the same', async () => {
    const policies = await start()
    const added = [{ name: 'A.cedar', text: policy('b') }]
    await expect(save(policies, added)).rejects.toMatchObject({ code: 'request_invalid' })
    const both = [
      { name: 'c.cedar', text: policy('c') },
      { name: 'C.cedar', text: policy('d') },
    ]
    await expect(save(policies, both)).rejects.toMatchObject({ code: 'request_invalid' })
    // In its place it may be.
    await save(policies, [{ name: 'a.cedar', text: null }, ...added])
    expect(texts()).toEqual({ 'A.cedar': policy('b') })
  })

  it('does not replace a link: what it leads to belongs to somebody else', async () => {
    rmSync(path('a.cedar'))
    writeFileSync(path('target'), policy('a'))
    symlinkSync('target', path('a.cedar'))
    const policies = await start()
    await expect(save(policies, [{ name: 'a.cedar', text: policy('a', 'write') }])).rejects.toThrow(
      /link/,
    )
    expect(texts()['target']).toBe(policy('a'))
  })
})

describe('a change that a crash cut off', () => {
  const draft = '.sallyport-draft.0011'
  const cutOff = () => {
    writeFileSync(path(draft), policy('b'))
    writeFileSync(
      path(JOURNAL),
      JSON.stringify([
        ['b.cedar', draft],
        ['a.cedar', null],
      ]),
    )
  }

  it('is finished at the next start, as a whole', async () => {
    cutOff()
    const policies = await start()
    expect(texts()).toEqual({ 'b.cedar': policy('b') })
    expect(policies.current().policies.map(({ id }) => id)).toEqual(['b'])
  })

  it('is finished whatever the clock says, which may have gone back since', async () => {
    cutOff()
    const later = new Date(Date.now() + 3_600_000)
    utimesSync(path(JOURNAL), later, later)
    await start()
    expect(texts()).toEqual({ 'b.cedar': policy('b') })
  })

  it('is finished when half of its names had changed already', async () => {
    writeFileSync(path('b.cedar'), policy('b'))
    writeFileSync(
      path(JOURNAL),
      JSON.stringify([
        ['b.cedar', draft],
        ['a.cedar', null],
      ]),
    )
    await start()
    expect(texts()).toEqual({ 'b.cedar': policy('b') })
  })

  it('is not taken for a set of policies while it is being made', async () => {
    const policies = await start()
    cutOff()
    expect(await policies.reload()).toBe(false)
    expect(policies.current().policies.map(({ id }) => id)).toEqual(['a'])
    await expect(save(policies, [{ name: 'c.cedar', text: policy('c') }])).rejects.toThrow(
      /being written/,
    )
  })

  it.each([
    ['[["../a.cedar",null]]'],
    ['[["a.cedar","../../etc/passwd"]]'],
    ['[["a.txt",null]]'],
    ['{}'],
    ['['],
  ])('is no journal: %s', async text => {
    writeFileSync(path(JOURNAL), text)
    await expect(start()).rejects.toThrow(/do not check/)
    expect(Object.keys(texts())).toContain('a.cedar')
  })
})

describe('the history', () => {
  it('keeps who changed what, with the texts; changes in the files appear as such', async () => {
    const policies = await start()
    await save(policies, [{ name: 'b.cedar', text: policy('b') }], { note: 'ticket 7' })
    writeFileSync(path('a.cedar'), `// by hand\n${policy('a')}`)
    await policies.reload()
    const [third, second, first] = await history.list(10)
    expect([first?.principal, second?.principal, third?.principal]).toEqual([
      undefined,
      'ada',
      undefined,
    ])
    expect(second).toMatchObject({ note: 'ticket 7', changed: ['b.cedar'] })
    expect(third?.changed).toEqual(['a.cedar'])
    expect(await history.files(second?.id ?? 0)).toEqual([
      { name: 'a.cedar', text: policy('a') },
      { name: 'b.cedar', text: policy('b') },
    ])
    expect((await history.list(1, third?.id)).map(({ id }) => id)).toEqual([second?.id])
  })

  it('is written after the policies are in force: a slow store keeps no right alive', async () => {
    const policies = await start()
    let go = () => {}
    vi.spyOn(history, 'add').mockReturnValue(new Promise<void>(resolve => (go = resolve)))
    writeFileSync(path('a.cedar'), policy('other'))
    const reloaded = policies.reload()
    await vi.waitFor(() => expect(policies.current().policies[0]?.id).toBe('other'), 30_000)
    go()
    expect(await reloaded).toBe(true)
  })

  it('keeps no version twice, and none that did not check', async () => {
    const policies = await start()
    await policies.reload()
    writeFileSync(path('a.cedar'), 'nonsense')
    await policies.reload()
    expect(await history.list(10)).toHaveLength(1)
    expect(await policies.look()).toMatchObject({ inForce: false })
    expect((await policies.look()).problems[0]).toMatchObject({ severity: 'error' })
  })

  it('is bounded in number and in bytes, and keeps the newest two whatever they weigh', async () => {
    let now = 0
    const small = new PolicyHistory(store, () => ++now, { versions: 3, bytes: 1_000_000 })
    for (let at = 0; at < 6; at++) await small.add([{ name: 'a', text: `${at}` }], 'h')
    expect((await small.list(10)).map(({ at }) => at)).toEqual([6, 5, 4])
    const light = new PolicyHistory(store, () => ++now, { versions: 100, bytes: 10 })
    await light.add([{ name: 'a', text: 'x'.repeat(50) }], 'h')
    expect(await light.list(10)).toHaveLength(2)
    await expect(light.files(1)).rejects.toMatchObject({ code: 'request_unknown' })
  })
})
