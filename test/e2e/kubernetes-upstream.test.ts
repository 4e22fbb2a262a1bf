// What people and operators are told when the cluster cannot be used: by kubectl, and by the gateway's own log.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, request, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { makeCertificates } from '../servers/kubernetes/certificates.ts'
import { GATEWAY_TOKEN } from '../servers/kubernetes/index.ts'
import { type ClusterStage, startClusterStage } from './kubernetes-stage.ts'

let folder: string
let token: string
let stage: ClusterStage
/** A cluster whose certificate another authority signed. */
let stranger: Server

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sallyport-upstream-'))
  token = join(folder, 'token')
  writeFileSync(token, 'ended-long-ago', { mode: 0o600 })
  const { cert, key } = makeCertificates(folder, {})
  stranger = createServer({ cert: readFileSync(cert), key: readFileSync(key) })
  await new Promise<void>(resolve => stranger.listen(0, '127.0.0.1', resolve))
  stage = await startClusterStage({
    alone: true,
    resource: { credential: { token: `file:${token}` } },
  })
})
afterAll(async () => {
  await stage?.stop()
  stranger?.close()
  rmSync(folder, { recursive: true, force: true })
})

const failures = () =>
  stage.gateway
    .log()
    .split('\n')
    .filter(line => line.includes('"upstream.failed"'))

it('a credential of the gateway that the cluster refuses is not taken for the own one', async () => {
  const { code, stderr } = await stage.kubectl(['get', 'pods'])
  expect(code).toBe(1)
  expect(stderr).toContain("the cluster does not take the gateway's own credential")
  expect(stderr).not.toContain('logged in')
  const said = failures()
  expect(said.join('\n')).toContain('upstream_refused')
  // kubectl asks many times; the log says it once for each connection.
  expect(said.length).toBeLessThanOrEqual(2)
  expect(stage.gateway.log()).not.toContain('ended-long-ago')
})

it('of one object it is said in the same words', async () => {
  const path = '/cluster/api/v1/namespaces/default/pods/web-1'
  const { stderr } = await stage.kubectl(['get', '--raw', path])
  expect(stderr).toContain("the cluster does not take the gateway's own credential")
})

it('a 401 of what stands behind a proxy of the cluster is the client’s to hear', async () => {
  writeFileSync(token, GATEWAY_TOKEN, { mode: 0o600 })
  const path = '/cluster/api/v1/namespaces/default/services/shop:80/proxy/private'
  const { stderr } = await stage.kubectl(['get', '--raw', path])
  expect(stderr).not.toContain("gateway's own credential")
})

it('a node that does not take what the API server shows it is not told as the gateway’s credential', async () => {
  const { certificates, url, ask } = stage.cluster
  const [cert, key, ca] = [certificates.cert, certificates.key, certificates.ca].map(path =>
    readFileSync(path),
  )
  await ask('POST', '/api/v1/namespaces/default/pods', {
    kind: 'Pod',
    apiVersion: 'v1',
    metadata: { name: 'web-1' },
    spec: { containers: [{ name: 'web', image: 'web' }] },
  })
  // As API servers pass it on (ResponseChecker of pods/log, and the proxy that upgrades).
  const passedOn = {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message: 'the server has asked for the client to provide credentials ( pods/log web-1)',
    reason: 'Unauthorized',
    details: { name: 'web-1', kind: 'pods/log', causes: [{ message: 'Unauthorized' }] },
    code: 401,
  }
  const cluster = createServer({ cert, key }, (asked, answer) => {
    const { method, headers } = asked
    if (asked.url?.includes('/log') === true) {
      answer.writeHead(401, { 'content-type': 'application/json' })
      answer.end(JSON.stringify(passedOn))
    } else if (asked.url === '/version') {
      answer.writeHead(401, { 'content-type': 'application/json' })
      answer.write('x'.repeat(100_000))
    } else
      asked.pipe(
        request(new URL(asked.url ?? '/', url), { method, headers, ca }, got => {
          answer.writeHead(got.statusCode ?? 500, got.headers)
          got.pipe(answer)
        }),
      )
  })
  cluster.on('upgrade', (_, socket) => {
    socket.end(
      'HTTP/1.1 401 Unauthorized\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 12\r\n\r\nUnauthorized',
    )
  })
  await new Promise<void>(resolve => cluster.listen(0, '127.0.0.1', resolve))
  const { file } = stage.gateway
  const before = readFileSync(file, 'utf8')
  try {
    const { port } = cluster.address() as AddressInfo
    writeFileSync(file, before.replace(stage.cluster.url, `https://127.0.0.1:${port}`))
    const logs = async () => (await stage.kubectl(['logs', 'web-1'])).stderr
    await expect
      .poll(logs, { timeout: 30_000 })
      .toContain("the pod's node (its kubelet) does not take")
    expect(await logs()).not.toContain('logged in')
    const { stderr } = await stage.kubectl(['exec', 'web-1', '--', 'true'])
    expect(stderr).toContain(
      "the gateway's own by the cluster, or that of its API server by the pod's node",
    )
    expect(failures().at(-1)).toContain('kubelet')
    // One that never ends is not waited for.
    const endless = await stage.kubectl(['get', '--raw', '/cluster/version'])
    expect(endless.stderr).toContain("the cluster does not take the gateway's own credential")
  } finally {
    writeFileSync(file, before)
    cluster.closeAllConnections()
    cluster.close()
  }
})

it('a cluster that nobody can reach, or that another authority signs for, is told with its reason to the log alone', async () => {
  const { port } = stranger.address() as AddressInfo
  const { file } = stage.gateway
  const before = readFileSync(file, 'utf8')
  for (const [server, why] of [
    ['https://127.0.0.1:1', 'ECONNREFUSED'],
    [`https://127.0.0.1:${port}`, 'certificate'],
  ] as const) {
    writeFileSync(file, before.replace(stage.cluster.url, server))
    const told = async () => {
      const { stderr } = await stage.kubectl(['get', 'pods'])
      return stderr.includes('the resource cannot be reached') ? failures().at(-1) : stderr
    }
    await expect.poll(told, { timeout: 60_000 }).toContain(why)
  }
})
