// What a session refuses because of values that its principal may not see, although policies permit the statement.
import { afterEach, beforeEach, expect, it } from 'vitest'
import {
  nobodyWaits,
  operation,
  principal,
  statement,
  type TestGateway,
  testGateway,
} from './gateway.testing.ts'

const POLICIES = `
@id("staff") permit (principal in Group::"staff", action in [Action::"connect", Action::"read", Action::"write"], resource in Resource::"shop");
`
let test: TestGateway
beforeEach(async () => {
  test = await testGateway(POLICIES)
})
afterEach(() => test.close())

it('refuses a statement that carries a mask of ours, in its text or in a value', async () => {
  const session = await test.open(principal('ana', ['staff']))
  const mark = '⟦m:ssn⟧'
  const write = [operation('write', 'INSERT', 'public.notes')]
  const text = statement(`insert into notes values ('${mark}')`, write)
  const parameters = [{ type: 'text', format: 'text', value: Buffer.from(`x${mark}`) }] as const
  const authorize = async (asked: typeof text) => session.authorize(asked, nobodyWaits)
  for (const asked of [text, statement('insert into notes values ($1)', write, { parameters })])
    await expect(authorize(asked)).rejects.toMatchObject({ code: 'mask_written_back' })
  await expect(authorize(statement('insert into notes values (1)', write))).resolves.toBeDefined()
  expect((await test.entries()).filter(({ kind }) => kind === 'statement.denied')).toMatchObject([
    { decision: { code: 'mask_written_back', policies: [] } },
    { decision: { code: 'mask_written_back', policies: [] } },
  ])
})
