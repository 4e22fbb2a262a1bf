// What a verifier gets over HTTP: bytes as they were hashed, in one spelling of each path, and who read entries is known.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { HeadView, LogView } from '#contract'
import { paths } from '#contract'
import { principal } from '../gateway/gateway.testing.ts'
import { type TestApi, testApi } from './harness.ts'

const POLICIES = `@id("audits") permit (principal in Group::"auditors", action == Action::"console:audit", resource == Gateway::"sallyport");`

let api: TestApi
let token: string
const get = (path: string) => api.call('GET', path, { token })
const tile = (level: string, place: string) =>
  paths.auditTile.replace(':level', level).replace('*', place)

beforeAll(async () => {
  api = await testApi(POLICIES)
  token = api.signIn(principal('aude', ['auditors']))
  for (let at = 0; at < 300; at++) api.audit.append({ kind: 'log.heartbeat' })
  await api.audit.checkpoint()
})
afterAll(() => api.stop())

describe('the log for a verifier', () => {
  it('has the key, the newest head and its time, as they stand on the disk', async () => {
    const { body } = await get(paths.auditLog)
    const log = body as LogView
    expect(log.head.note.split('\n').slice(0, 2)).toEqual([log.origin, String(log.head.size)])
    expect(log.vkey).toMatch(/^test\/audit\+[0-9a-f]{8}\+/)
    expect(log).toMatchObject({ origin: 'test/audit', size: api.audit.size, sinks: [] })
    expect(log.head.at).toBe(api.clock.now)
    const { text, headers } = await get(paths.auditCheckpoint)
    expect([text, headers['content-type']]).toEqual([log.head.note, 'text/plain; charset=utf-8'])
  })

  it('lists heads, newest first, and goes on below one', async () => {
    const { body } = await get(`${paths.auditHeads}?count=1`)
    const [newest] = body as HeadView[]
    expect(newest?.size).toBe(api.audit.published.head.size)
    const below = await get(`${paths.auditHeads}?below=${newest?.size}`)
    expect((below.body as HeadView[]).map(({ size }) => size)).toEqual([1])
    expect((await get(`${paths.auditHeads}?count=101`)).status).toBe(400)
  })

  it('has each tile under one spelling, and none beyond the head', async () => {
    expect((await get(tile('0', '000'))).status).toBe(200)
    expect((await get(tile('0', '001.p/45'))).headers['content-length']).toBe(String(45 * 32))
    const wrong = [
      '0',
      '00',
      '000.p/256',
      '000.p/0',
      '000.p/01',
      'x000/000',
      '001',
      '001.p/46',
      '%2e%2e/000',
      '..%2f000',
      '000/',
    ]
    for (const place of wrong) expect((await get(tile('0', place))).status, place).toBe(404)
    for (const level of ['7', '-1', '00', 'entrie', 'checkpoint'])
      expect((await get(tile(level, '000.p/1'))).status, level).toBe(404)
  })

  it('puts on record who read which entries, and nothing for hashes', async () => {
    const before = api.audit.size
    await get(tile('0', '000'))
    await get(paths.auditLog)
    expect(api.audit.size).toBe(before)
    await get(tile('entries', '001.p/45'))
    const [entry] = await api.audit.read(before, 1)
    expect(entry).toMatchObject({
      kind: 'log.read',
      principal: { id: 'aude' },
      details: { from: 256, count: 45 },
    })
  })
})
