import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { nobodyWaits, principal, read, type TestGateway, testGateway } from '../gateway.testing.ts'

const POLICIES = `
@id("staff") permit (principal in Group::"staff", action in [Action::"connect", Action::"read"], resource in Resource::"shop");
@id("support-sees-email") permit (principal in Group::"support", action == Action::"reveal", resource == DataClass::"email");
`
const ana = principal('ana', ['staff'])

let test: TestGateway
beforeEach(async () => {
  test = await testGateway(POLICIES)
})
afterEach(() => test.close())

describe('a permit', () => {
  it('masks what this principal may not see, and passes what it may', async () => {
    const column = (name: string) => ({
      name,
      origin: { object: 'public.customers', column: name },
      textual: true,
      format: 'text' as const,
      harmless: false,
    })
    const columns = [column('email'), column('ssn')]
    const plain = await (await test.open(ana)).authorize(read(), nobodyWaits)
    expect(plain.results(columns).map(each => each.kind)).toEqual(['mask', 'mask'])
    const support = principal('sue', ['staff', 'support'])
    const seeing = await (await test.open(support)).authorize(read(), nobodyWaits)
    expect(seeing.results(columns).map(each => each.kind)).toEqual(['scan', 'mask'])
  })

  it('makes a masked value that is no text NULL', async () => {
    const permit = await (await test.open(ana)).authorize(read(), nobodyWaits)
    const [plan] = permit.results([
      {
        name: 'ssn',
        origin: { object: 'public.customers', column: 'ssn' },
        textual: false,
        format: 'binary',
        harmless: false,
      },
    ])
    expect(plan?.kind).toBe('null')
  })

  it('redacts an unknown origin by the most sensitive column that it may derive from', async () => {
    const permit = await (await test.open(ana)).authorize(
      { ...read(), mayDeriveFrom: [{ object: 'public.customers', column: 'email' }] },
      nobodyWaits,
    )
    const unknown = {
      name: 'x',
      origin: 'unknown' as const,
      textual: true,
      format: 'text' as const,
    }
    expect(permit.results([{ ...unknown, harmless: false }])[0]?.kind).toBe('mask')
    expect(permit.results([{ ...unknown, harmless: true }])[0]?.kind).toBe('pass')
  })

  it('hides the upstream’s words when the statement touches a masked column', async () => {
    const session = await test.open(ana)
    const touching = await session.authorize(
      { ...read(), mayDeriveFrom: [{ object: 'public.customers', column: 'ssn' }] },
      nobodyWaits,
    )
    expect(touching.scrub('invalid input: "123-45-6789"')).not.toMatch(/6789/)
    const other = await session.authorize(read(), nobodyWaits)
    expect(other.scrub('relation does not exist')).toBe('relation does not exist')
    expect(other.scrub('bad value jane@example.com')).not.toMatch(/jane@example.com/)
  })
})
