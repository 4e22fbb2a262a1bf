// A write that a person has to say yes to: what it would change is told by the cluster's own dry run, and nothing is changed
// before the yes.
import { afterAll, beforeAll, expect, it } from 'vitest'
import { until } from '../servers/programs.ts'
import { type ClusterStage, startClusterStage } from './kubernetes-stage.ts'

let stage: ClusterStage

beforeAll(async () => {
  stage = await startClusterStage({
    dataClasses: { mail: { detect: 'email' }, person: { keys: ['owner_name'] } },
    policies: {
      'cluster.cedar': `
@id("everything")
permit (principal, action in [Action::"connect", Action::"read", Action::"write"], resource);
@id("held") @approvers("dba") @within("5m") @reason("a person looks at it")
forbid (principal, action == Action::"write", resource)
when { context.fields.hasTag("{namespace}") && context.fields.getTag("{namespace}").contains("held") }
unless { context.approved };
@id("approvers")
permit (principal in Group::"dba", action in [Action::"console:read", Action::"approve"], resource);
`,
    },
  })
  const made = await stage.direct(['create', 'namespace', 'held'])
  expect(made.code, made.stderr).toBe(0)
  const deployed = await stage.direct([
    '-n',
    'held',
    'create',
    'deployment',
    'web',
    '--image=web:1',
  ])
  expect(deployed.code, deployed.stderr).toBe(0)
})
afterAll(() => stage?.stop())

interface Held {
  readonly id: string
  readonly state: string
  readonly statement: string
  readonly preview?: {
    readonly changes?: string
    readonly unavailable?: string
    readonly notes: string[]
  }
}

/** Runs kubectl until it is held; says yes when what it would do was told. */
async function held(args: readonly string[], meanwhile: () => Promise<void> = async () => {}) {
  const ran = stage.kubectl(['-n', 'held', ...args])
  const approver = await stage.token('dora')
  let request: Held | undefined
  await until('the request and what it would do', async () => {
    const { stdout } = await stage.gateway.cli(['requests', '--json'], approver)
    const all = JSON.parse(stdout) as Held[]
    request = all.find(({ state, preview }) => state === 'pending' && preview !== undefined)
    return request !== undefined
  })
  await meanwhile()
  const { id, statement, preview } = request!
  const said = await stage.gateway.cli(['approve', id], approver)
  expect(said.code, said.stderr).toBe(0)
  return { statement, preview, ran: await ran }
}

it('is shown as what it changes, and nothing changes before the yes', async () => {
  const replicas = async () =>
    (await stage.direct(['-n', 'held', 'get', 'deploy', 'web', '-o', 'jsonpath={.spec.replicas}']))
      .stdout
  const { statement, preview, ran } = await held(
    ['scale', 'deployment', 'web', '--replicas=3'],
    async () => {
      expect(await replicas()).toBe('1')
    },
  )
  expect(statement).toContain('replicas: 3')
  expect(preview?.changes).toContain('~ spec.replicas: 1 → 3')
  expect(ran.code, ran.stderr).toBe(0)
  expect(await replicas()).toBe('3')
})

it('tells a new image by the name of its container', async () => {
  const { preview, ran } = await held(['set', 'image', 'deploy/web', '*=web:2'])
  expect(preview?.changes?.split('\n')).toContain(
    '~ spec.template.spec.containers[web].image: "web:1" → "web:2"',
  )
  expect(ran.code, ran.stderr).toBe(0)
})

it('tells which keys of a Secret change, and no value', async () => {
  const { preview, ran } = await held([
    'create',
    'secret',
    'generic',
    's',
    '--from-literal=password=hunter2',
  ])
  expect(preview?.changes).toContain('+ data.password: [hidden]')
  expect(JSON.stringify(preview)).not.toContain(Buffer.from('hunter2').toString('base64'))
  expect(ran.code, ran.stderr).toBe(0)
})

it('tells nothing that a class hides, wherever the object holds it', async () => {
  const inner = { kind: 'Secret', apiVersion: 'v1', data: { a: 'aHVudGVyMg==' } }
  for (const args of [
    ['set', 'env', 'deployment/web', 'MAIL=bob@example.com'],
    ['annotate', 'deployment/web', 'owner_name=carol', `made=${JSON.stringify(inner)}`],
  ])
    expect((await stage.direct(['-n', 'held', ...args])).code).toBe(0)
  const { preview, ran } = await held([
    'patch',
    'deployment',
    'web',
    '--type=merge',
    '-p',
    '{"metadata":{"annotations":{"owner_name":"dave","made":null}},"spec":{"template":{"spec":{"containers":[{"name":"web","image":"web:2","env":[{"name":"MAIL","value":"none"}]}]}}}}',
  ])
  const lines = preview?.changes?.split('\n') ?? []
  expect(lines).toContain('~ metadata.annotations.owner_name: [hidden] → [hidden]')
  expect(lines).toContain('- metadata.annotations.made: [hidden]')
  expect(lines.find(line => line.includes('env[MAIL]'))).toContain('[hidden] → "none"')
  expect(ran.code, ran.stderr).toBe(0)
})

it('shows a deletion, whose options stand in its body, without deleting', async () => {
  const there = () => stage.direct(['-n', 'held', 'get', 'deploy', 'web'])
  const { preview, ran } = await held(['delete', 'deployment', 'web'], async () => {
    expect((await there()).code).toBe(0)
  })
  expect(preview?.changes).toContain('- spec.replicas: 3')
  expect(ran.code, ran.stderr).toBe(0)
  expect((await there()).code).not.toBe(0)
})

it('tells what the cluster would refuse', async () => {
  const { preview, ran } = await held(['create', 'configmap', 'kube-root-ca.crt_'], async () => {})
  expect(preview?.unavailable ?? '').toContain('would refuse')
  expect(ran.code).not.toBe(0)
})
