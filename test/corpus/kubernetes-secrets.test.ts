// Every side door to a Secret's value that we know of, by name: none shows it, though the principal may read and write
// everything in the cluster. Against the stand-in, or a real API server (KUBE_APISERVER, ETCD).
import { Buffer } from 'node:buffer'
import { readFileSync, writeFileSync } from 'node:fs'
import type { ClientRequest, IncomingMessage } from 'node:http'
import { request } from 'node:https'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type ClusterStage, startClusterStage } from '../e2e/kubernetes-stage.ts'
import { until } from '../servers/programs.ts'

const POLICIES = `
@id("works")
permit (principal, action in [Action::"connect", Action::"read", Action::"write", Action::"administer", Action::"execute"], resource);
@id("open-namespace")
permit (principal, action == Action::"reveal", resource == DataClass::"kubernetes-secret")
when { context.object like "secrets/open/*" };
@id("certificates")
permit (principal, action == Action::"reveal", resource == DataClass::"kubernetes-secret")
when { context.column == "tls.crt" };
`
const CLASSES = { setting: { columns: ['configmaps/*.*password*'] }, mail: { detect: 'email' } }
const CANARY = 'canary-hunter2-canary'
const CANARY_64 = Buffer.from(CANARY).toString('base64')
const MARK = '⟦m:kubernetes-secret⟧'
const MARK_64 = Buffer.from(MARK).toString('base64')
const SECRETS = '/api/v1/namespaces/default/secrets'

const secret = (name: string, namespace = 'default') => `
apiVersion: v1
kind: Secret
metadata: { name: ${name}, namespace: ${namespace} }
stringData: { password: ${CANARY}, tls.crt: public-certificate }
`

let stage: ClusterStage

beforeAll(async () => {
  stage = await startClusterStage({ policies: { 'cluster.cedar': POLICIES }, dataClasses: CLASSES })
  const manifest = join(stage.folder, 'secrets.yaml')
  const map = `apiVersion: v1\nkind: ConfigMap\nmetadata: { name: app, namespace: default }\ndata: { db.password: ${CANARY}, mode: fast, to: ann@example.com }\n`
  const space = 'apiVersion: v1\nkind: Namespace\nmetadata: { name: open }\n'
  writeFileSync(
    manifest,
    [space, secret('db'), secret('other'), secret('db', 'open'), map].join('---\n'),
  )
  expect(await stage.direct(['apply', '-f', manifest])).toMatchObject({ code: 0 })
})
afterAll(() => stage?.stop())

interface Answer {
  readonly status: number
  readonly type: string
  readonly text: string
}

async function ask(
  path: string,
  accept?: string,
  method = 'GET',
  body?: string,
  type = 'application/json',
): Promise<Answer> {
  const token = await stage.token()
  const headers = {
    authorization: `Bearer ${token}`,
    ...(accept === undefined ? {} : { accept }),
    ...(body === undefined ? {} : { 'content-type': type }),
  }
  return new Promise((resolve, reject) => {
    const asked = opened(path, headers, method, response => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', piece => {
        text += piece
      })
      const type = response.headers['content-type'] ?? ''
      response.on('end', () => resolve({ status: response.statusCode ?? 0, type, text }))
      response.on('error', reject)
    })
    asked.on('error', reject)
    asked.end(body)
  })
}

function opened(
  path: string,
  headers: Readonly<Record<string, string>>,
  method: string,
  answered: (response: IncomingMessage) => void,
): ClientRequest {
  const ca = readFileSync(stage.gateway.ca)
  const { port } = stage.gateway
  const asked = { host: '127.0.0.1', port, path: `/cluster${path}`, method, headers, ca }
  return request({ ...asked, agent: false }, answered)
}

const leaks = (text: string): boolean =>
  text.includes(CANARY) || text.includes(CANARY_64.slice(0, -4))

const TABLE = 'application/json;as=Table;v=v1;g=meta.k8s.io'
const FORMS = [
  undefined,
  'application/json',
  '*/*',
  'application/yaml',
  'application/cbor',
  'application/vnd.kubernetes.protobuf',
  'application/vnd.kubernetes.protobuf;as=Table;v=v1;g=meta.k8s.io',
  TABLE,
  'application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io',
  'application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io',
]
const PATHS = [
  `${SECRETS}/db`,
  SECRETS,
  '/api/v1/secrets',
  `${SECRETS}?limit=1`,
  `${SECRETS}/db?pretty=true`,
  `${SECRETS}?includeObject=Object`,
  `${SECRETS}?includeObject=None`,
  `${SECRETS}?fieldSelector=metadata.name%3Ddb`,
  `${SECRETS}?watch=1&timeoutSeconds=1`,
  `/api/v1/watch/namespaces/default/secrets/db?timeoutSeconds=1`,
]

describe('a Secret that is read', () => {
  it.each(PATHS)('shows no value by %s, in whatever form it is asked for', async path => {
    const answers = await Promise.all(FORMS.map(form => ask(path, form)))
    for (const [i, { status, type, text }] of answers.entries()) {
      expect(
        leaks(path === '/api/v1/secrets' ? withoutOpen(text) : text),
        `${FORMS[i]}: ${text.slice(0, 300)}`,
      ).toBe(false)
      if (status === 200) expect(type).toMatch(/^application\/json/)
    }
    // (The stand-in serves no watches by that older path.)
    if (!path.includes('/watch/')) expect(answers.some(({ status }) => status === 200)).toBe(true)
  })

  it('shows its mask to kubectl, which can decode it', async () => {
    const value = await stage.kubectl(['get', 'secret', 'db', '-o', 'jsonpath={.data.password}'])
    expect(Buffer.from(value.stdout, 'base64').toString()).toBe(MARK)
    const yaml = await stage.kubectl(['get', 'secret', 'db', '-o', 'yaml'])
    expect(yaml.stdout).toContain(MARK_64)
    expect(yaml.stdout).toContain(`"password":"${MARK}"`)
    const described = await stage.kubectl(['describe', 'secret', 'db'])
    expect(described.stdout).toContain(`${Buffer.from(MARK).length} bytes`)
    const listed = await stage.kubectl(['get', 'secrets', '-o', 'wide'])
    expect(listed.stdout).toMatch(/db\s+Opaque\s+2/)
    for (const each of [value, yaml, described, listed]) expect(leaks(each.stdout)).toBe(false)
  })

  it('shows no value to who watches while it changes', async () => {
    const watching = await stage.start(['get', 'secrets', '-o', 'json', '-w'])
    await until('both are listed', () => watching.said().includes('"other"'))
    await stage.direct(['label', 'secret', 'other', 'seen=yes', '--overwrite'])
    await until('the change is seen', () => watching.said().includes('"seen": "yes"'))
    watching.stop()
    expect(leaks(watching.said())).toBe(false)
    expect(watching.said()).toContain(MARK_64)
  })

  it('is watched from the first moment on, though nothing happens', async () => {
    const { metadata } = JSON.parse((await ask('/api/v1/namespaces/open/secrets')).text)
    const path = `/api/v1/namespaces/open/secrets?watch=1&resourceVersion=${metadata.resourceVersion}`
    const headers = { authorization: `Bearer ${await stage.token()}` }
    const status = await new Promise((resolve, reject) => {
      const asked = opened(path, headers, 'GET', response => {
        resolve(response.statusCode)
        response.destroy()
      })
      asked.setTimeout(8_000, () => asked.destroy(new Error('no head came')))
      asked.on('error', reject)
      asked.end()
    })
    expect(status).toBe(200)
  })

  it('shows what a policy reveals: by namespace and name, and by key', async () => {
    const open = await ask('/api/v1/namespaces/open/secrets/db')
    expect(JSON.parse(open.text).data.password).toBe(CANARY_64)
    const closed = await ask(`${SECRETS}/db`)
    expect(JSON.parse(closed.text).data).toEqual({
      password: MARK_64,
      'tls.crt': Buffer.from('public-certificate').toString('base64'),
    })
  })

  it('shows no value when it is deleted, or made without being kept', async () => {
    const dry = await ask(
      `${SECRETS}?dryRun=All`,
      undefined,
      'POST',
      JSON.stringify({
        apiVersion: 'v1',
        kind: 'Secret',
        metadata: { name: 'dry' },
        stringData: { password: CANARY },
      }),
    )
    expect(dry).toMatchObject({ status: 201 })
    expect(leaks(dry.text)).toBe(false)
    const gone = await ask(`${SECRETS}/other?dryRun=All`, undefined, 'DELETE')
    expect(gone.status).toBe(200)
    expect(leaks(gone.text)).toBe(false)
  })
})

describe('a value that is asked for by a patch', () => {
  const patch = (operations: unknown) =>
    ask(
      `${SECRETS}/db`,
      undefined,
      'PATCH',
      JSON.stringify(operations),
      'application/json-patch+json',
    )

  it('is not told by a test of it', async () => {
    for (const path of [
      '/data/password',
      '/data',
      '',
      '/metadata/annotations/kubectl.kubernetes.io~1last-applied-configuration',
    ]) {
      const { status, text } = await patch([{ op: 'test', path, value: CANARY_64 }])
      expect([status, text], text).toMatchObject([403, expect.stringContaining('masked_predicate')])
      expect(text).toContain('/metadata/resourceVersion')
      expect(text).not.toMatch(/column|table|commit|rows/i)
    }
    expect((await patch([{ op: 'test', path: '/type', value: 'Opaque' }])).status).toBe(200)
  })

  it('is not copied or moved to where it could be read', async () => {
    for (const op of ['copy', 'move'])
      expect(
        (await patch([{ op, from: '/data/password', path: '/metadata/labels/seen' }])).status,
      ).toBe(403)
    expect(
      (await stage.direct(['get', 'secret', 'db', '-o', 'jsonpath={.metadata.labels}'])).stdout,
    ).toBe('')
  })

  it('is not quoted by what is said of a patch that does not fit', async () => {
    for (const type of ['application/merge-patch+json', 'application/strategic-merge-patch+json']) {
      const { text } = await ask(`${SECRETS}/db`, undefined, 'PATCH', '{"data":{"more":5}}', type)
      expect(leaks(text), text).toBe(false)
    }
  })
})

describe('a mask that is written back', () => {
  const shown = async () => (await stage.kubectl(['get', 'secret', 'db', '-o', 'yaml'])).stdout
  const kept = async () =>
    Buffer.from(
      (await stage.direct(['get', 'secret', 'db', '-o', 'jsonpath={.data.password}'])).stdout,
      'base64',
    ).toString()

  it('is refused, in base64 and as a text, whole and as a patch', async () => {
    const file = join(stage.folder, 'masked.yaml')
    writeFileSync(file, await shown())
    const replaced = await stage.kubectl(['replace', '-f', file])
    expect(replaced.code).not.toBe(0)
    expect(replaced.stderr).toContain('carries a mask')
    for (const body of [{ data: { password: MARK_64 } }, { stringData: { password: MARK } }]) {
      const { status, text } = await ask(
        `${SECRETS}/db`,
        undefined,
        'PATCH',
        JSON.stringify(body),
        'application/merge-patch+json',
      )
      expect([status, text]).toMatchObject([403, expect.stringContaining('mask_written_back')])
    }
    expect(await kept()).toBe(CANARY)
  })

  it('is none when something else of the object is changed', async () => {
    expect(await stage.kubectl(['annotate', 'secret', 'db', 'note=seen'])).toMatchObject({
      code: 0,
    })
    const manifest = join(stage.folder, 'again.yaml')
    writeFileSync(manifest, secret('db').replace('public-certificate', 'other-certificate'))
    expect(await stage.kubectl(['apply', '-f', manifest])).toMatchObject({ code: 0, stderr: '' })
    expect(await kept()).toBe(CANARY)
  })
})

describe('other things', () => {
  it('show keys of ConfigMaps unless a class lists them, and nothing that detectors find', async () => {
    const { stdout } = await stage.kubectl(['get', 'configmap', 'app', '-o', 'json'])
    expect(JSON.parse(stdout).data).toEqual({
      'db.password': '⟦m:setting⟧',
      mode: 'fast',
      to: '⟦m:mail⟧',
    })
    expect(stdout).not.toContain('ann@example.com')
    expect(leaks(stdout)).toBe(false)
  })

  it('show what programs print as detectors let it, line by line as it comes', async () => {
    await stage.direct(['run', 'talker', '--image=talker', '--restart=Never'])
    const say = (text: string) => stage.cluster.logs.say('default', 'talker', 'talker', text)
    const logs = async () => (await stage.kubectl(['logs', 'talker'])).stdout
    say('to ann@example.com')
    await until('it runs', async () => (await logs()).includes('⟦m:mail⟧'))
    // A value that the client has cut is none to a detector: what it cuts is not sent.
    for (const bytes of [8, 12, 15])
      expect((await stage.kubectl(['logs', 'talker', `--limit-bytes=${bytes}`])).stdout).toBe('')
    const following = await stage.start(['logs', '-f', 'talker'])
    await until('it follows', () => following.said().includes('to ⟦m:mail⟧'))
    say('and bob@example.com')
    await until('the line is there', () => following.said().includes('and ⟦m:mail⟧'))
    following.stop()
    expect(following.said()).not.toContain('@example.com')
  })

  it('show no Secret that stands in an annotation', async () => {
    const held = JSON.stringify({ kind: 'Secret', apiVersion: 'v1', data: { pin: CANARY_64 } })
    await stage.direct(['annotate', 'configmap', 'app', `held=${held}`])
    const { stdout } = await stage.kubectl(['get', 'configmaps', '-o', 'yaml'])
    expect(stdout).toContain('held:')
    expect(leaks(stdout)).toBe(false)
  })
})

/** Of all namespaces, those whose Secrets are hidden. */
function withoutOpen(text: string): string {
  const list = JSON.parse(text || '{}')
  const hidden = (each: {
    metadata?: { namespace?: string }
    object?: { metadata?: { namespace?: string } }
  }) => (each.object ?? each).metadata?.namespace !== 'open'
  for (const part of ['items', 'rows'])
    if (Array.isArray(list[part])) list[part] = list[part].filter(hidden)
  return JSON.stringify(list)
}
