// What a request is to us, beside what a real API server wrote into its audit log of the very same: only where KUBE_APISERVER and
// ETCD name programs. Nothing is done there: who asks may do nothing.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { Agent, request } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { requestInfo } from '#engines/kubernetes'
import { type RunningCluster, startCluster } from '../servers/kubernetes/index.ts'
import { until } from '../servers/programs.ts'

const { KUBE_APISERVER, ETCD } = process.env
const there = KUBE_APISERVER !== undefined && ETCD !== undefined

const rows = readFileSync(
  join(import.meta.dirname, '../../src/engines/kubernetes/request-info.rows.txt'),
  'utf8',
)
  .split('\n')
  .filter(line => line !== '' && !line.startsWith('#') && !line.endsWith(' > refused'))
  .map(line => line.split(' > ')[0]!)

let folder = ''
let cluster: RunningCluster

beforeAll(async () => {
  if (!there) return
  folder = mkdtempSync(join(tmpdir(), 'sallyport-requests-'))
  cluster = await startCluster(folder, [])
})
afterAll(async () => {
  if (!there) return
  await cluster.stop()
  rmSync(folder, { recursive: true, force: true })
})

/** As somebody whom no role knows. */
function ask(agent: Agent, row: string, id: string): Promise<void> {
  const [, method = '', target = ''] = /^(\S+) (.*)$/.exec(row) ?? []
  const headers = {
    authorization: `Bearer ${cluster.adminToken}`,
    'impersonate-user': 'nobody-at-all',
    'audit-id': id,
    'content-length': 0,
  }
  return new Promise((resolve, reject) => {
    request(new URL(cluster.url), { path: target, method, agent, headers }, answer => {
      answer.resume().on('end', resolve)
    })
      .on('error', reject)
      .end()
  })
}

interface Entry {
  readonly auditID: string
  readonly verb: string
  readonly objectRef?: Readonly<Record<string, string>>
}

it.runIf(there)('is what a real API server takes it for', async () => {
  const agent = new Agent({ ca: readFileSync(cluster.certificates.ca), keepAlive: true })
  for (const [at, row] of rows.entries()) await ask(agent, row, `row-${at}`)
  agent.destroy()
  const entries = new Map<string, Entry>()
  await until('the audit log to be written', () => {
    for (const line of readFileSync(cluster.auditLog!, 'utf8').split('\n')) {
      if (!line.includes('"auditID":"row-') || !line.endsWith('}')) continue
      const entry = JSON.parse(line) as Entry
      entries.set(entry.auditID, entry)
    }
    return Promise.resolve(entries.size === rows.length)
  })
  const theirs = rows.map((row, at) => {
    const { verb, objectRef } = entries.get(`row-${at}`)!
    const { apiGroup, apiVersion, resource, subresource, namespace, name } = objectRef ?? {}
    const parts = [apiGroup, apiVersion, resource, subresource, namespace, name]
    return [row, verb, ...parts.map(part => part ?? '')]
  })
  const ours = rows.map(row => {
    const [, method = '', path = '', query] = /^(\S+) ([^?]*)(?:\?(.*))?$/.exec(row) ?? []
    const info = requestInfo(method, path, query)
    const { verb, group, version, resource, subresource, namespace, name } = info
    return [row, verb, group, version, resource, subresource, namespace, name]
  })
  expect(ours).toEqual(theirs)
})
