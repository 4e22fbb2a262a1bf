// Who asks, taken for somebody else: names and times that the gateway, the issuer and the policies know by different rules.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Stage, startStage } from '../e2e/stage.ts'

const POLICIES = {
  'shop.cedar': `
@id("use") permit (principal in Group::"analysts", action in [Action::"connect", Action::"read", Action::"write"], resource in Resource::"shop");
@id("writes-with-a-person") @approvers("dba") @reason("changes need a person")
forbid (principal, action == Action::"write", resource) unless { context.approved };
@id("dba") permit (principal in Group::"dba", action in [Action::"approve", Action::"console:read", Action::"console:operate"], resource);
`,
}
const WRITE = "update customers set city = 'Rome' where id = 9;"

let stage: Stage
beforeAll(async () => {
  const claims = { kind: 'agent', groups: ['analysts'] }
  stage = await startStage({
    policies: POLICIES,
    // The same person at the issuer: what acts with it is told by a claim alone.
    people: { 'agent-of-ana': { subject: 'ana', claims } },
    settings: { approvals: { hold: { user: '0s', agent: '0s', transaction: '0s' } } },
  })
})
afterAll(() => stage.stop())

const asks = async (who: string, text = WRITE) => stage.psql(await stage.through(who), text)
const cli = async (who: string, ...args: string[]) =>
  stage.gateway.cli(args, await stage.token(who))
const listed = async <Each>(who: string, ...args: string[]) => {
  const ran = await cli(who, ...args, '--json')
  expect(ran.code, ran.stderr).toBe(0)
  return JSON.parse(ran.stdout) as Each[]
}

describe('an agent with the subject of a person', () => {
  test('has neither the yes that the person was given, nor what they did', async () => {
    expect((await asks('ana')).stderr).toContain('approval_required')
    const [request] = await listed<{ id: string }>('dora', 'requests', '--state', 'pending')
    expect((await cli('dora', 'approve', request!.id)).code).toBe(0)

    const stolen = await asks('agent-of-ana')
    expect(stolen.stderr).toContain('approval_required')
    expect(stolen.stderr).not.toContain(request!.id)
    const own = await listed<{ principalKind: string }>('agent-of-ana', 'sessions')
    expect(own.map(({ principalKind }) => principalKind)).toEqual(['agent'])
    const [session] = await listed<{ id: string }>('ana', 'sessions')
    expect((await cli('agent-of-ana', 'session', 'replay', session!.id)).code).toBe(1)
    expect((await cli('agent-of-ana', 'requests', request!.id)).code).toBe(1)

    expect((await asks('ana')).stdout).toContain('UPDATE 1')
  })
})

describe('a withdrawal', () => {
  test('ends a token that says it was made a moment later', async () => {
    const iat = Math.floor(Date.now() / 1_000) + 20
    const ahead = await stage.issuer.forge({ client: 'ana', claims: { iat } })
    const through = stage.gateway.libpq(ahead, 'shop')
    expect((await stage.psql(through, 'select 1;')).code).toBe(0)
    expect((await cli('dora', 'withdraw', 'ana')).code).toBe(0)
    const after = await stage.psql(through, 'select 1;')
    expect(after.code).not.toBe(0)
    expect(after.stderr).toContain('withdrawn')
  })
})
