// A held command that needs a shell, explained to whoever may see the request, and to nobody else.
import { afterAll, beforeAll, expect, it } from 'vitest'
import { paths } from '#contract'
import type { Statement } from '#model'
import { nobodyWaits, principal, write } from '../gateway/gateway.testing.ts'
import { type TestApi, testApi } from './harness.ts'

const POLICIES = `
@id("staff") permit (principal in Group::"staff", action in [Action::"connect", Action::"write"], resource in Resource::"shop");
@id("ask") @approvers("dba") forbid (principal, action == Action::"write", resource) unless { context.approved };
`
const ana = principal('ana', ['staff'])
let api: TestApi
beforeAll(async () => {
  api = await testApi(POLICIES)
  api.hold.user = 0
})
afterAll(() => api.stop())

async function explained(statement: Statement) {
  const session = await api.open(ana)
  const refused = await Promise.resolve()
    .then(() => session.authorize(statement, nobodyWaits))
    .then(
      () => undefined,
      error => error,
    )
  await session.close('client_left')
  const path = paths.explanation.replace(':id', refused.requestId)
  return (who: string, groups: string[]) =>
    api.call('GET', path, { token: api.signIn(principal(who, groups)) })
}
const compound = (text: string): Statement => {
  const held = write(text)
  return {
    ...held,
    operations: held.operations.map(each => ({ ...each, flags: ['compound'] as const })),
  }
}

it('lists what it would run, for the approver and the asker; others are told of no request', async () => {
  const ask = await explained(compound('cat /etc/passwd | tee "$X" > out; ('))
  const { status, body } = await ask('dora', ['dba'])
  expect(status).toBe(200)
  expect(body).toMatchObject({
    about: 'as a shell would read it; nothing is decided by this',
    hasError: true,
    cut: false,
  })
  const { commands } = body as { commands: { program?: string }[] }
  // What does not read as a command stands in the list by itself.
  expect(commands.flatMap(({ program }) => program ?? [])).toEqual(['cat', 'tee'])
  expect((await ask('ana', ['staff'])).body).toEqual(body)
  expect((await ask('eve', [])).status).toBe(404)
})

it('says so of a statement that is no such command', async () => {
  const ask = await explained(write('update t set a = 1'))
  expect((await ask('dora', ['dba'])).body).toMatchObject({ commands: [], missing: 'no_command' })
})
