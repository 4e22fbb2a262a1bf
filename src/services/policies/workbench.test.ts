import { afterEach, describe, expect, it } from 'vitest'
import { principal, read, shop } from '../../gateway/gateway.testing.ts'
import { Workbench } from './workbench.ts'

const files = (text: string) => [{ name: 'a.cedar', text }]
const vocabulary = { resources: [{ name: 'shop', tags: {} }], dataClasses: [] }
const good =
  '@id("a") permit (principal, action == Action::"read", resource in Resource::"shop");\n'

let bench: Workbench
afterEach(() => bench.close())

describe('the workbench', () => {
  it('checks, runs cases and names the console rights, apart from the gateway', async () => {
    bench = new Workbench()
    const answer = await bench.ask({
      files: files(good),
      vocabulary,
      cases: [
        {
          name: 'reads',
          principal: { kind: 'user', id: 'ana' },
          resource: { name: 'shop' },
          statement: { operations: [{ action: 'read' }] },
          expect: { effect: 'deny' },
        },
      ],
    })
    expect(answer.problems).toEqual([])
    expect(answer.cases).toEqual([
      { name: 'reads', passed: false, differences: ['effect: expected deny, came permit'] },
    ])
    const wrong = await bench.ask({ files: files('permit (principal, bla);'), vocabulary })
    expect(wrong.policySet).toBeUndefined()
    expect(wrong.problems[0]).toMatchObject({ file: 'a.cedar', line: 1, severity: 'error' })
  })

  it('tells why, also where detectors and maskers are of the operator’s own', async () => {
    bench = new Workbench()
    const column = { object: 'public.staff', column: 'badge' }
    const { why } = await bench.ask({
      files: files(good),
      vocabulary,
      why: {
        principal: principal('ana', ['staff']),
        resource: shop,
        statement: {
          ...read('select badge from staff'),
          mayDeriveFrom: [column],
          lineage: [
            { outputs: [{ sources: [column], how: 'identity' }], probes: [], transfers: [] },
          ],
        },
        grants: [],
        facts: {
          client: '',
          ip: '127.0.0.1',
          now: 0,
          approved: false,
          reason: undefined,
          mfa: false,
          run: { rows: 0, bytes: 0, statements: 0 },
        },
        classes: [
          { name: 'badge', columns: ['*.badge'], detect: 'acme-badge', mask: { plugin: 'acme' } },
        ],
      },
    })
    expect(why?.decision.effect).toBe('permit')
    expect(why?.reveals).toMatchObject([{ dataClass: 'badge', revealed: false }])
  })

  it('gives up what takes too long, and answers the next question', async () => {
    bench = new Workbench({ answerMs: 1 })
    await expect(bench.ask({ files: files(good), vocabulary })).rejects.toMatchObject({
      code: 'unavailable',
    })
    bench.close()
    bench = new Workbench()
    expect((await bench.ask({ files: files(good), vocabulary })).problems).toEqual([])
  })

  it('says so when something cannot cross to its thread, and answers the next question', async () => {
    bench = new Workbench()
    const crossing = { ...vocabulary, more: () => 1 }
    await expect(bench.ask({ files: files(good), vocabulary: crossing })).rejects.toThrow()
    expect((await bench.ask({ files: files(good), vocabulary })).problems).toEqual([])
  })

  it('takes only so many questions at once', async () => {
    bench = new Workbench()
    const asked = Array.from({ length: 40 }, () => bench.ask({ files: files(good), vocabulary }))
    const results = await Promise.allSettled(asked)
    const refused = results.filter(({ status }) => status === 'rejected')
    expect(refused.length).toBe(40 - 17)
    expect(refused[0]).toMatchObject({ reason: { code: 'too_many_requests' } })
  })

  it('ends with the gateway', async () => {
    bench = new Workbench()
    const asked = bench.ask({ files: files(good), vocabulary })
    bench.close()
    await expect(asked).rejects.toMatchObject({ code: 'unavailable' })
    await expect(bench.ask({ files: [], vocabulary })).rejects.toMatchObject({
      code: 'unavailable',
    })
  })
})
