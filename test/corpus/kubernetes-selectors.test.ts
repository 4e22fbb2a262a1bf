// Values that are masked, shown or asked for otherwise: in tables, by selectors, and by patches that hold only where a field is the value
// that was guessed. Against the stand-in, or a real API server (KUBE_APISERVER, ETCD).
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type ClusterStage, startClusterStage } from '../e2e/kubernetes-stage.ts'

const POLICIES = `
@id("works")
permit (principal, action in [Action::"connect", Action::"read", Action::"write", Action::"administer"], resource);
`
const CLASSES = {
  person: { keys: ['owner_name'] },
  place: { pointers: ['/items/*/status/podIP'] },
}
const POD = `
apiVersion: v1
kind: Pod
metadata: { name: web, namespace: default, labels: { app: web, owner_name: ann } }
spec: { containers: [{ name: a, image: "web:1" }] }
---
apiVersion: v1
kind: Service
metadata: { name: web, namespace: default }
spec: { selector: { owner_name: ann }, ports: [{ port: 80 }] }
`

let stage: ClusterStage
beforeAll(async () => {
  stage = await startClusterStage({
    policies: { 'cluster.cedar': POLICIES },
    dataClasses: CLASSES,
    alone: true,
  })
  const manifest = join(stage.folder, 'pod.yaml')
  writeFileSync(manifest, POD)
  expect(await stage.direct(['apply', '-f', manifest])).toMatchObject({ code: 0 })
})
afterAll(() => stage?.stop())

const get = (...more: readonly string[]) => stage.kubectl(['get', 'pods', '-o', 'name', ...more])

it('are masked where they are shown, and other selectors select', async () => {
  const shown = await stage.kubectl(['get', 'pod', 'web', '-o', 'jsonpath={.metadata.labels}'])
  expect(shown.stdout).toContain('"app":"web"')
  expect(shown.stdout).not.toContain('ann')
  for (const more of [
    ['-l', 'app=web'],
    ['-l', 'app in (web, other)'],
    ['-l', 'owner_name'],
    ['--field-selector', 'metadata.name=web'],
  ])
    expect((await get(...more)).stdout, more.join(' ')).toBe('pod/web\n')
  expect((await get('-l', '!owner_name')).stdout).toBe('')
})

it('are not told by tables, whose cells have no names', async () => {
  const pods = await stage.kubectl(['get', 'pods', '-o', 'wide'])
  expect(pods.stdout).toMatch(/^NAME +AGE\s+web /)
  const direct = await stage.direct(['get', 'services', '-o', 'wide'])
  expect(direct.stdout).toContain('owner_name=ann')
  const services = await stage.kubectl(['get', 'services', '-o', 'wide'])
  expect(services.stdout).toContain('web')
  expect(services.stdout).not.toContain('ann')
})

it('are not found by selectors', async () => {
  for (const more of [
    ['-l', 'owner_name=ann'],
    ['-l', 'app=web,owner_name==bob'],
    ['-l', 'owner_name!=ann'],
    ['-l', 'owner_name in (ann, bob)'],
    ['-l', 'owner_name notin (ann)'],
    ['--field-selector', 'status.podIP=10.0.0.7'],
    ['--field-selector', 'metadata.name=web,status.podIP!=10.0.0.7'],
  ]) {
    const { code, stdout, stderr } = await get(...more)
    expect([code, stdout], more.join(' ')).toEqual([1, ''])
    expect(stderr, more.join(' ')).toContain('is masked for you')
  }
  const removed = await stage.kubectl(['delete', 'pods', '-l', 'owner_name=ann'])
  expect(removed.stderr).toContain('is masked for you')
})

it('are not found by patches', async () => {
  const patch = (path: string, value: unknown) =>
    stage.kubectl([
      ...['patch', 'pod', 'web', '--type=json', '-p'],
      JSON.stringify([
        { op: 'test', path, value },
        { op: 'add', path: '/metadata/labels/seen', value: 'yes' },
      ]),
    ])
  for (const value of ['ann', 'bob'])
    expect((await patch('/metadata/labels/owner_name', value)).stderr, value).toContain(
      'is masked for you',
    )
  const labels = { app: 'web', owner_name: 'ann' }
  expect((await patch('/metadata/labels', labels)).stderr).toContain('is masked for you')
  expect(await patch('/metadata/labels/app', 'web')).toMatchObject({ code: 0 })
})
