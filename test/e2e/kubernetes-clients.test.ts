// Clients of clusters besides kubectl, unmodified: helm, and the official Python client.
import { mkdirSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer, type Server } from 'node:net'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { firstExisting, run } from '../servers/programs.ts'
import { type ClusterStage, startClusterStage } from './kubernetes-stage.ts'

const CLIENTS = join(dirname(fileURLToPath(import.meta.url)), 'clients')
const HELM = process.env['HELM'] ?? firstExisting('/usr/bin/helm', '/usr/local/bin/helm')

let stage: ClusterStage
let echo: Server

beforeAll(async () => {
  stage = await startClusterStage()
  echo = createServer(socket => {
    socket.on('error', () => {})
    socket.pipe(socket)
  })
  await new Promise<void>(resolve => echo.listen(0, '127.0.0.1', resolve))
})
afterAll(async () => {
  echo?.close()
  await stage?.stop()
})

it('the Python client does as on the cluster itself', async () => {
  const { port } = echo.address() as AddressInfo
  const python = async (config: string, namespace: string) => {
    const env = { KUBECONFIG: config, HOME: stage.folder }
    const args = [join(CLIENTS, 'cluster.py'), namespace, String(port)]
    return run('/usr/bin/python3', args, { env })
  }
  const [direct, through] = await Promise.all([
    python(stage.directKubeconfig, 'python-direct'),
    python(await stage.kubeconfig(), 'python-through'),
  ])
  expect(direct).toMatchObject({ code: 0, stderr: '' })
  expect(through).toEqual(direct)
  expect(through.stdout).toContain("exec 'heard hello\\n' 'trouble\\n' 4")
})

it.skipIf(HELM === undefined)(
  'helm installs, upgrades, rolls back and removes a release',
  async () => {
    const chart = join(stage.folder, 'chart')
    mkdirSync(join(chart, 'templates'), { recursive: true })
    writeFileSync(join(chart, 'Chart.yaml'), 'apiVersion: v2\nname: shop\nversion: 0.1.0\n')
    writeFileSync(join(chart, 'values.yaml'), 'image: web:1\n')
    writeFileSync(join(chart, 'templates', 'all.yaml'), TEMPLATES)
    const env = { KUBECONFIG: await stage.kubeconfig(), HOME: join(stage.folder, 'home') }
    const helm = (...args: string[]) =>
      run(HELM ?? 'helm', [...args, '--namespace', 'shop'], { env })
    const image = async () => {
      const args = ['-n', 'shop', 'get', 'deployment', 'shop', '-o']
      return (await stage.direct([...args, 'jsonpath={.spec.template.spec.containers[0].image}']))
        .stdout
    }
    const wait = ['--wait', '--timeout', '20s']
    const installed = await helm('install', 'shop', chart, '--create-namespace', ...wait)
    expect(installed.stdout, installed.stderr).toContain('STATUS: deployed')
    expect(await image()).toBe('web:1')
    const upgraded = await helm('upgrade', 'shop', chart, '--set', 'image=web:2', ...wait)
    expect(upgraded.stdout, upgraded.stderr).toContain('REVISION: 2')
    expect(await image()).toBe('web:2')
    const back = await helm('rollback', 'shop', '1', ...wait)
    expect(back.stdout, back.stderr).toContain('Rollback was a success')
    expect(await image()).toBe('web:1')
    expect((await helm('history', 'shop')).stdout).toContain('Rollback to 1')
    expect((await helm('uninstall', 'shop')).stdout).toContain('uninstalled')
  },
  200_000,
)

const TEMPLATES = `
apiVersion: v1
kind: ConfigMap
metadata: { name: {{ .Release.Name }}-settings }
data: { image: "{{ .Values.image }}" }
---
apiVersion: apps/v1
kind: Deployment
metadata: { name: {{ .Release.Name }} }
spec:
  selector: { matchLabels: { app: shop } }
  template:
    metadata: { labels: { app: shop } }
    spec: { containers: [{ name: web, image: "{{ .Values.image }}" }] }
`
