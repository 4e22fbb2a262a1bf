// kubectl, unmodified, to a cluster itself and through the gateway: what it prints is compared.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Ran, until, within } from '../servers/programs.ts'
import { type ClusterStage, kubectls, type Started, startClusterStage } from './kubernetes-stage.ts'

let stage: ClusterStage
/** A watch that lasts as long as a right to it, begun before the other tests: the shortest right is of ten seconds. */
let granted: { readonly watching: Started; readonly from: number; readonly to: number }

beforeAll(async () => {
  stage = await startClusterStage()
  granted = await watchOnGrant()
})
afterAll(() => stage?.stop())

async function watchOnGrant() {
  const give = [
    '--give',
    'ana',
    '--resource',
    'cluster',
    '--actions',
    'connect,read',
    '--for',
    '30s',
  ]
  const args = ['grants', ...give, '--reason', 'to look']
  const token = await stage.token('dora')
  const from = Date.now() + 30_000
  const given = await stage.gateway.cli(args, token)
  const to = Date.now() + 30_000
  expect(given.stderr).toBe('')
  const watch = ['get', 'configmaps', '--watch-only', '-o', 'name']
  const watching = await stage.start(watch, { client: 'ana' })
  await until('the watch to begin', async () => {
    for (const verb of ['create', 'delete']) await stage.direct([verb, 'configmap', 'granted'])
    return watching.said().includes('configmap/granted')
  })
  return { watching, from, to }
}

/** What differs between any two runs: ages, names made by chance, times. */
function settled({ code, stdout, stderr }: Ran, namespace: string): Ran {
  const clean = (text: string) =>
    text
      .replaceAll(namespace, 'NAMESPACE')
      .replaceAll(/\b\d+(?:\.\d+)?m?s\b/g, 'AGE')
      .replaceAll(/ +/g, ' ')
      .replaceAll(/\b(web-[0-9a-f]{9})-\w{5}\b/g, '$1-POD')
      .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, 'TIME')
      .replaceAll(/\w{3}, \d\d \w{3} \d{4} [\d:]+ [+-]\d{4}/g, 'TIME')
      .replaceAll(/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, 'UID')
      .replaceAll(/(resourceVersion"?: ?"?|Resource Version: )\d+/g, '$1N')
      .replaceAll(/(LIVE|MERGED)-\d+/g, '$1')
      .replaceAll(/\d{4}-\d\d-\d\d [\d:.]+ [+-]\d{4}/g, 'TIME')
      .replaceAll(/10\.0\.0\.\d+/g, 'IP')
      .replaceAll(/https:\/\/127\.0\.0\.1:\d+(?:\/cluster)?/g, 'SERVER')
  return { code, stdout: clean(stdout), stderr: clean(stderr) }
}

const MANIFEST = (image: string) => `
apiVersion: v1
kind: ConfigMap
metadata: { name: settings, labels: { app: web } }
data: { colour: blue, size: "3" }
---
apiVersion: apps/v1
kind: Deployment
metadata: { name: web }
spec:
  replicas: 2
  selector: { matchLabels: { app: web } }
  template:
    metadata: { labels: { app: web } }
    spec:
      containers:
        - { name: web, image: "${image}", command: ["/bin/sh", "-c", "sleep 1000"] }
---
apiVersion: v1
kind: Service
metadata: { name: web }
spec: { selector: { app: web }, ports: [{ port: 80 }], clusterIP: None }
`

describe.each(Object.entries(kubectls()))('kubectl %s', (version, program) => {
  const name = `n${version.replaceAll('.', '')}`
  const spaces = { direct: `${name}-direct`, through: `${name}-through` }

  /** The same to both, each in a namespace of its own. */
  async function both(args: readonly string[], input?: string) {
    const more = { program, ...(input === undefined ? {} : { input }) }
    const [direct, through] = await Promise.all([
      stage.direct(['-n', spaces.direct, ...args], more),
      stage.kubectl(['-n', spaces.through, ...args], more),
    ])
    return {
      direct: settled(direct, spaces.direct),
      through: settled(through, spaces.through),
      said: through,
    }
  }

  async function same(args: readonly string[], input?: string): Promise<Ran> {
    const { direct, through, said } = await both(args, input)
    expect(through, args.join(' ')).toEqual(direct)
    return said
  }

  /** How often it says that it waits is chance. */
  async function rolledOut(): Promise<void> {
    const { direct, through } = await both(['rollout', 'status', 'deployment/web', '--timeout=20s'])
    const end = /"web" successfully rolled out\n$/
    expect(direct.stdout, direct.stderr).toMatch(end)
    expect(through.stdout, through.stderr).toMatch(end)
  }

  it('makes, reads, changes and removes objects as on the cluster itself', async () => {
    for (const [way, namespace] of Object.entries(spaces)) {
      const made = await (way === 'direct' ? stage.direct : stage.kubectl)(
        ['create', 'namespace', namespace],
        { program },
      )
      expect(made).toMatchObject({ code: 0, stderr: '' })
    }
    const file = (image: string) => {
      const path = join(stage.folder, `${name}.yaml`)
      writeFileSync(path, MANIFEST(image))
      return path
    }
    expect((await same(['diff', '-f', file('web:1')])).code).toBe(1)
    expect((await same(['apply', '-f', file('web:1')])).code).toBe(0)
    await rolledOut()
    await same(['get', 'deployments,services,configmaps', '-l', 'app=web'])
    await same(['get', 'deployment', 'web', '-o', 'wide'])
    await same(['get', 'configmap', 'settings', '-o', 'jsonpath={.data}'])
    await same(['get', 'pods', '-o', 'name', '--field-selector', 'status.phase=Running'])
    // The keys come in any order, with older ones.
    const described = await both(['describe', 'configmap', 'settings'])
    const lines = (ran: Ran) => ran.stdout.split('\n').sort()
    expect(lines(described.through)).toEqual(lines(described.direct))
    expect((await same(['describe', 'deployment', 'web'])).stdout).toContain('web:1')
    expect((await same(['apply', '-f', file('web:2')])).stdout).toContain('web configured')
    await rolledOut()
    await same(['rollout', 'history', 'deployment/web'])
    await same(['rollout', 'undo', 'deployment/web'])
    await rolledOut()
    await same(['scale', 'deployment/web', '--replicas=1'])
    await same(['set', 'image', 'deployment/web', 'web=web:3'])
    await same(['label', 'configmap', 'settings', 'tier=front'])
    await same(['annotate', 'configmap', 'settings', 'note=x'])
    await same([
      'patch',
      'configmap',
      'settings',
      '--type=json',
      '-p',
      '[{"op":"replace","path":"/data/size","value":"4"}]',
    ])
    await same([
      'patch',
      'configmap',
      'settings',
      '--type=merge',
      '-p',
      '{"data":{"colour":"red"}}',
    ])
    await same(['get', 'configmap', 'settings', '-o', 'jsonpath={.data}'])
    await same(['create', 'secret', 'generic', 'door', '--from-literal=key=opensesame'])
    await same([
      'create',
      'configmap',
      'more',
      '--from-literal=a=b',
      '--dry-run=server',
      '-o',
      'yaml',
    ])
    await same(['delete', 'configmap', 'settings'])
    await same([
      'delete',
      'configmaps',
      '--all',
      '--field-selector',
      'metadata.name!=kube-root-ca.crt',
    ])
    await same(['get', 'configmap', 'settings'])
    await same(['delete', '-f', file('web:2'), '--ignore-not-found', '--wait=false'])
  })

  it('edits with an editor, and is told of a conflict as the cluster tells it', async () => {
    await same(['create', 'configmap', 'edited', '--from-literal=a=before'])
    const editor = { EDITOR: 'sed -i s/before/after/' }
    const edited = await stage.kubectl(['-n', spaces.through, 'edit', 'configmap', 'edited'], {
      program,
      env: editor,
    })
    expect(edited).toMatchObject({ code: 0, stdout: 'configmap/edited edited\n' })
    const { said } = await both(['get', 'configmap', 'edited', '-o', 'jsonpath={.data.a}'])
    expect(said.stdout).toBe('after')
    const stale = JSON.stringify({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'edited', resourceVersion: '1' },
    })
    expect((await same(['replace', '-f', '-'], stale)).stderr).toContain('Conflict')
  })

  it('learns what the cluster knows: kinds, explanations, rights', async () => {
    expect((await same(['api-resources'])).stdout).toContain('deployments')
    await same(['api-versions'])
    await same(['explain', 'pod.spec.containers'])
    await same(['auth', 'can-i', 'list', 'pods'])
    await same(['auth', 'can-i', '--list'])
    const raw = await Promise.all([
      stage.direct(['get', '--raw', '/readyz'], { program }),
      // kubectl puts it in the place of the server's own path.
      stage.kubectl(['get', '--raw', '/cluster/readyz'], { program }),
    ])
    expect(raw[1]).toEqual(raw[0])
    await same(['get', 'pods', 'nobody'])
    await same(['get', 'unheardof'])
    await same(['top', 'pods'])
    const nonsense = 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\nnonsense: 1\n'
    expect((await same(['apply', '-f', '-'], nonsense)).code).toBe(1)
  })

  it('follows logs and watches as they come', async () => {
    const run = (way: 'direct' | 'kubectl', namespace: string) =>
      stage[way](['-n', namespace, 'run', 'talker', '--image=talk', '--restart=Never'], { program })
    await Promise.all([run('direct', spaces.direct), run('kubectl', spaces.through)])
    for (const namespace of Object.values(spaces))
      for (const line of ['one', 'two', 'three'])
        stage.cluster.logs.say(namespace, 'talker', 'talker', line)
    await same(['wait', 'pod/talker', '--for=condition=Ready', '--timeout=20s'])
    expect((await same(['logs', 'talker'])).stdout).toBe('one\ntwo\nthree\n')
    await same(['logs', 'talker', '--tail=1'])
    // Older ones ask for what clusters no longer serve.
    if (version !== '1.20') {
      const container = ['--image=tool', '--container=tool', '--quiet', '--', 'cat']
      const debugged = await same(['debug', 'talker', '-i', ...container], 'typed\n')
      expect(debugged.stdout).toBe('typed\n')
    }
    await same(['logs', 'talker', '-c', 'nobody'])
    const following = await stage.start(['-n', spaces.through, 'logs', '-f', 'talker'], { program })
    await until('the log so far', () => following.said().includes('three'))
    stage.cluster.logs.say(spaces.through, 'talker', 'talker', 'four')
    await until('the next line', () => following.said().includes('four'))
    following.stop()
    const args = ['get', 'configmaps', '--watch-only', '-o', 'name']
    const watching = await stage.start(['-n', spaces.through, ...args], { program })
    await until('the watch to tell of what is made', async () => {
      for (const verb of ['create', 'delete'])
        await stage.kubectl(['-n', spaces.through, verb, 'configmap', 'seen'], { program })
      return watching.said().includes('configmap/seen')
    })
    watching.stop()
  })
})

it('a watch ends when the grant that it stands on ends', async () => {
  expect(granted.watching.said()).toContain('configmap/granted')
  const { at } = await granted.watching.ended
  expect(at).toBeGreaterThan(granted.from)
  within(3_000, at - granted.to, 'the end of the watch')
  // Told in the stream itself: a broken one looks like a broken network.
  expect(granted.watching.said()).toContain('status/')
  expect(granted.watching.said()).not.toMatch(/INTERNAL_ERROR|unexpected EOF/)
  // Asked for by its path: of what it asks by itself beforehand, kubectl keeps the answers and not the words of a refusal.
  const path = '/cluster/api/v1/namespaces/default/configmaps'
  const again = await stage.kubectl(['get', '--raw', path], { client: 'ana' })
  expect(again.code).toBe(1)
  expect(again.stderr).toContain('no resource "cluster" that you may connect to')
})
