import { describe, expect, it } from 'vitest'
import { InvalidRequest, type Statement } from '#model'
import { fc } from '../../../test/property.ts'
import { type AskedOfCluster, portStatement, readRequest, readStatement } from './statement.ts'

const PODS = '/api/v1/namespaces/default/pods'

/** `METHOD URL`, and a body as JSON or as it is. */
function asked(line: string, body?: unknown, type?: string): AskedOfCluster {
  const [, method = '', path = '', query] = /^(\S+) ([^?]*)(?:\?(.*))?$/.exec(line) ?? []
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  return {
    method,
    path,
    query,
    type,
    body: body === undefined ? { kind: 'none' } : { kind: 'whole', bytes: Buffer.from(text) },
  }
}

function read(line: string, body?: unknown, type?: string): Statement {
  return readRequest(asked(line, body, type)).statement
}

function first(line: string, body?: unknown, type?: string): string {
  const { action, verb, object, flags } = read(line, body, type).operations[0]!
  return [action, verb, object.kind, object.name, ...flags].join(' ')
}

function fact(statement: Statement, name: string): readonly string[] | undefined {
  return statement.named?.texts.get(name)
}

describe('what a request does', () => {
  it('is an action on an object, by the verb of the API', () => {
    expect(first(`GET ${PODS}/web`)).toBe('read get pods pods/default/web')
    expect(first(`GET ${PODS}`)).toBe('read list pods pods/default')
    expect(first(`GET ${PODS}?watch=1`)).toBe('read watch pods pods/default')
    expect(first('GET /apis/apps/v1/namespaces/a/deployments/b')).toBe(
      'read get deployments.apps deployments.apps/a/b',
    )
    expect(first(`POST ${PODS}`, { metadata: { name: 'web' } })).toBe(
      'write create pods pods/default/web',
    )
    expect(first(`POST ${PODS}`, { metadata: { generateName: 'web-' } })).toBe(
      'write create pods pods/default',
    )
    expect(first(`DELETE ${PODS}/web`)).toBe('write delete pods pods/default/web destructive')
    expect(first('GET /version')).toBe('read get url version')
    expect(first('GET /')).toBe('read get url /')
    expect(first('GET /api/v1/nodes/n1')).toBe('read get nodes nodes/n1')
    expect(first('GET /api/v1/namespaces/kube-system')).toBe(
      'read get namespaces namespaces/kube-system',
    )
    expect(first('DELETE /api/v1/namespaces/a')).toBe(
      'write delete namespaces namespaces/a destructive',
    )
    expect(first(`GET ${PODS}/web/log?follow=true`)).toBe('read pods/log pods pods/default/web')
    expect(read(`GET ${PODS}/web/log`).operations[0]!.category).toBe('get')
  })

  it('executes by its subresource, whatever the method is', () => {
    for (const method of ['GET', 'POST', 'HEAD', 'PUT', 'DELETE']) {
      expect(first(`${method} ${PODS}/web/exec?command=id`)).toMatch(/^execute pods\/exec/)
      expect(first(`${method} ${PODS}/web/attach`)).toMatch(/^execute pods\/attach .*dynamic/)
      expect(first(`${method} /api/v1/nodes/n1/proxy/run`)).toMatch(/^execute nodes\/proxy/)
      expect(first(`${method} /api/v1/proxy/nodes/n1/run`)).toMatch(/^execute nodes\/proxy/)
      expect(first(`${method} ${PODS}/web/portforward`)).toMatch(/^tunnel pods\/portforward/)
    }
    expect(
      first(`PATCH ${PODS}/web/ephemeralcontainers`, {}, 'application/merge-patch+json'),
    ).toMatch(/^execute pods\/ephemeralcontainers/)
  })

  it('administers where it gives rights or steers the API server', () => {
    for (const line of [
      'POST /apis/rbac.authorization.k8s.io/v1/clusterroles',
      'DELETE /apis/rbac.authorization.k8s.io/v1/namespaces/a/rolebindings/b',
      'POST /apis/authorization.openshift.io/v1/namespaces/a/rolebindings',
      'PUT /apis/certificates.k8s.io/v1/certificatesigningrequests/c/approval',
      'PATCH /apis/certificates.k8s.io/v1/certificatesigningrequests/c/status',
      'DELETE /apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations',
      'POST /apis/apiextensions.k8s.io/v1/customresourcedefinitions',
      'PATCH /apis/apiregistration.k8s.io/v1/apiservices/v1.x',
      'POST /api/v1/namespaces/a/serviceaccounts/b/token',
      'PUT /debug/flags/v',
    ])
      expect(first(line), line).toMatch(/^administer/)
    expect(first('GET /apis/rbac.authorization.k8s.io/v1/clusterroles')).toMatch(/^read/)
    expect(first('POST /apis/certificates.k8s.io/v1/certificatesigningrequests')).toMatch(/^write/)
  })

  it('reads where an answer is all that is made', () => {
    for (const name of [
      'selfsubjectaccessreviews',
      'selfsubjectrulesreviews',
      'subjectaccessreviews',
    ])
      expect(first(`POST /apis/authorization.k8s.io/v1/${name}`)).toMatch(/^read create/)
    expect(first('POST /apis/authentication.k8s.io/v1/tokenreviews')).toMatch(/^read create/)
    expect(first('DELETE /apis/authorization.k8s.io/v1/selfsubjectaccessreviews')).toMatch(/^write/)
    expect(first('POST /apis/example.com/v1/selfsubjectaccessreviews')).toMatch(/^write/)
  })

  it('is a write at least, where it is not known and does not read', () => {
    expect(
      first('PUT /apis/subresources.kubevirt.io/v1/namespaces/a/virtualmachines/b/restart'),
    ).toMatch(/^write virtualmachines\/restart/)
    expect(first('GET /apis/example.com/v1/namespaces/a/things/b/odd')).toMatch(/^read things\/odd/)
    const console = asked(
      'GET /apis/subresources.kubevirt.io/v1/namespaces/a/virtualmachineinstances/b/console',
    )
    expect(readRequest({ ...console, upgrade: 'websocket' }).statement).toMatchObject({
      operations: [{ action: 'execute' }],
      unread: true,
    })
    for (const line of [
      `GET ${PODS}?watch=1`,
      `GET ${PODS}/web/log`,
      `GET ${PODS}/web/status`,
      'GET /x',
    ])
      expect(() => readRequest({ ...asked(line), upgrade: 'websocket' })).toThrow('upgrade')
  })

  it('has flags for what is wide and what does not come back', () => {
    expect(first(`DELETE ${PODS}`)).toMatch(/unfiltered destructive$/)
    expect(first(`DELETE ${PODS}?labelSelector=`)).toMatch(/unfiltered destructive$/)
    expect(first(`DELETE ${PODS}?labelSelector=app`)).toMatch(/default destructive$/)
    expect(first(`DELETE ${PODS}?fieldSelector=,`)).toMatch(/unfiltered/)
    expect(first('GET /api/v1/pods')).toBe('read list pods pods bulk')
    expect(first('GET /api/v1/secrets?watch=true')).toBe('read watch secrets secrets bulk')
    expect(first('GET /api/v1/nodes')).toBe('read list nodes nodes')
    expect(first(`POST ${PODS}/web/eviction`, {})).toBe(
      'write pods/eviction pods pods/default/web destructive',
    )
    expect(first(`POST ${PODS}/web/exec?command=/bin/sh&command=-c&command=id`)).toMatch(/dynamic$/)
    expect(first(`POST ${PODS}/web/exec?command=ls`)).toBe(
      'execute pods/exec pods pods/default/web',
    )
  })

  it('is only tried where an API server only tries', () => {
    expect(first(`POST ${PODS}?dryRun=All`, {})).toMatch(/explain$/)
    expect(first(`DELETE ${PODS}/web`, { dryRun: ['All'] })).toMatch(/explain$/)
    expect(first(`DELETE ${PODS}/web?dryRun=All`)).toMatch(/explain$/)
    expect(first(`POST ${PODS}/web/eviction`, { deleteOptions: { dryRun: ['All'] } })).toMatch(
      /explain$/,
    )
    expect(first(`POST ${PODS}`, { dryRun: ['All'] })).not.toMatch(/explain/)
    expect(first(`POST ${PODS}?dryRun=all`, {})).not.toMatch(/explain/)
    expect(first(`POST ${PODS}/web/exec?command=id&dryRun=All`)).not.toMatch(/explain/)
    expect(first('POST /apis/example.com/v1/things?dryRun=All', {})).not.toMatch(/explain/)
    expect(first(`GET ${PODS}?dryRun=All`)).not.toMatch(/explain/)
  })

  it('is about an object by its bare name, however a proxy writes it', () => {
    const of = (name: string) => first(`GET /api/v1/namespaces/a/services/${name}/proxy/x`)
    for (const name of ['web', 'web:80', 'https:web:', 'https:web:https', ':web:80'])
      expect(of(name)).toBe('execute services/proxy services services/a/web')
    for (const name of ['ftp:web:1', 'a:b:c:d', ':80', 'https::1'])
      expect(() => of(name)).toThrow(InvalidRequest)
    expect(fact(read('GET /api/v1/namespaces/a/services/https:web:443/proxy/x'), '{port}')).toEqual(
      ['443'],
    )
  })

  it('chooses among all by a field selector, and is about all of them', () => {
    expect(first('GET /api/v1/pods?fieldSelector=metadata.name=web')).toBe(
      'read list pods pods bulk',
    )
    expect(first(`GET ${PODS}?fieldSelector=metadata.name=web`)).toBe(
      'read list pods pods/default/web',
    )
    expect(first('GET /api/v1/nodes?fieldSelector=metadata.name=n1')).toBe(
      'read list nodes nodes/n1',
    )
  })
})

describe('what runs in a container', () => {
  const line = `POST ${PODS}/web/exec?container=app&command=grep&command=-r&command=it's%20%22so%22&stdin=true&tty=true`

  it('is its words, in their order', () => {
    const statement = read(line)
    expect(fact(statement, 'command')).toEqual(['grep', '-r', `it's "so"`])
    expect(fact(statement, 'program')).toEqual(['grep'])
    expect(fact(statement, 'commandLine')).toEqual([`grep -r 'it'\\''s "so"'`])
    expect(fact(statement, '{container}')).toEqual(['app'])
    expect(fact(statement, '?tty')).toEqual(['true'])
    expect(statement.parameters?.map(({ value }) => String(value))).toEqual(['-r', `it's "so"`])
  })

  it('is shown as a shell would read it, and reads back', () => {
    const { text } = read(line)
    expect(text).toBe(
      `POST ${PODS}/web/exec?container=app&stdin=true&tty=true\n\ngrep -r 'it'\\''s "so"'`,
    )
    expect(readStatement(text).text).toBe(text)
    expect(readStatement(text).named?.texts.get('command')).toEqual(fact(read(line), 'command'))
  })

  it('is told apart by every word, whatever is in it', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.oneof(
            fc.string(),
            fc.constantFrom(
              "'",
              '\\',
              ' ',
              '\n',
              '\nabcd12345678',
              '\u{e0001}ab',
              '‮',
              "\\'",
              '$(id)',
              '',
            ),
          ),
          { minLength: 1 },
        ),
        words => {
          if (words[0] === '') return
          const query = words
            .map(word => `command=${encodeURIComponent(word.toWellFormed())}`)
            .join('&')
          const { text } = read(`POST ${PODS}/web/exec?${query}`)
          expect(text.split('\n\n')[1]).not.toMatch(/[\p{Cc}\p{Cf}]/u)
          expect(readStatement(text).named?.texts.get('command')).toEqual(
            words.map(word => word.toWellFormed()),
          )
        },
      ),
      { numRuns: 300 },
    )
  })

  it('is read back from no other spelling than its own', () => {
    const words = (line: string) => {
      const text = `POST ${PODS}/web/exec\n\n${line}`
      return readStatement(text).named?.texts.get('command')
    }
    expect(words("a 'b c' $'\\u202e\\\\\\''")).toEqual(['a', 'b c', "\u202e\\'"])
    for (const line of [
      "$'a\\nb'",
      '"a b"',
      'a;b',
      '$(a)',
      "'a",
      'a  b',
      "$'\\u{41}'",
      "$'\\U00110000'",
    ])
      expect(() => words(line), line).toThrow(InvalidRequest)
  })

  it('is refused without a word, or with a body', () => {
    expect(() => read(`POST ${PODS}/web/exec`)).toThrow('no command')
    expect(() => read(`POST ${PODS}/web/exec?command=`)).toThrow('no command')
    expect(() => read(`POST ${PODS}/web/exec?command=id`, {})).toThrow('means nothing')
  })
})

describe('a tunnel into a cluster', () => {
  it('leads to the ports that are on its URL', () => {
    const ends = (query: string) =>
      read(`GET ${PODS}/web/portforward${query}`).operations.map(({ tunnel }) => tunnel)
    expect(ends('?ports=8080&ports=9090,8080')).toEqual([
      { direction: 'out', kind: 'tcp', host: 'web', port: 8080 },
      { direction: 'out', kind: 'tcp', host: 'web', port: 9090 },
    ])
    expect(ends('')).toEqual([{ direction: 'out', kind: 'host', host: '', port: 0 }])
    for (const port of ['0', '65536', '080', '-1', 'http', '', '80,', ' 80'])
      expect(() => ends(`?ports=${encodeURIComponent(port)}`), port).toThrow('port')
  })

  it('is asked for each port that comes later', () => {
    const statement = portStatement(asked(`POST ${PODS}/web/portforward`), 5432)
    expect(statement.text).toBe(`POST ${PODS}/web/portforward?ports=5432`)
    expect(statement.operations).toMatchObject([
      { action: 'tunnel', object: { name: 'pods/default/web' }, tunnel: { port: 5432 } },
    ])
  })
})

describe('the text of a request', () => {
  it('is a first line and its body, as a person reads it', () => {
    const statement = read(`POST ${PODS}?fieldManager=x`, {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'web', labels: { on: 'yes' } },
      spec: { containers: [{ name: 'c', image: 'web:1', args: ['-c', 'a\nb\n'] }] },
    })
    expect(statement.text).toBe(`POST ${PODS}?fieldManager=x

apiVersion: v1
kind: Pod
metadata:
  name: web
  labels:
    "on": "yes"
spec:
  containers:
  - name: c
    image: web:1
    args:
    - "-c"
    - |
      a
      b`)
    const again = readStatement(statement.text)
    expect(again.named).toEqual(statement.named)
    expect(again.operations).toEqual(statement.operations)
  })

  it('says what a patch means', () => {
    const type = 'application/json-patch+json'
    const { text } = read(`PATCH ${PODS}/web`, [{ op: 'remove', path: '/spec/x' }], type)
    expect(text).toBe(`PATCH ${PODS}/web\ncontent-type: ${type}\n\n- op: remove\n  path: /spec/x`)
    expect(readStatement(text).text).toBe(text)
  })

  it('holds no value of a Secret, and tells two apart', () => {
    const of = (value: string, group = '/api/v1') =>
      read(`POST ${group}/namespaces/a/secrets`, {
        metadata: {
          name: 's',
          annotations: {
            'kubectl.kubernetes.io/last-applied-configuration': `{"data":"${value}"}`,
          },
        },
        data: { password: value },
        stringData: { deep: value },
        type: 'Opaque',
      }).text
    expect(of('aHVudGVyMg==')).not.toContain('aHVudGVyMg')
    expect(of('aHVudGVyMg==')).toContain('password: "[SHA-256 ')
    expect(of('aHVudGVyMg==')).not.toBe(of('aHVudGVyMw=='))
    // Whoever else calls something a Secret.
    expect(of('aHVudGVyMg==', '/apis/vault.example.com/v1')).not.toContain('aHVudGVyMg')
    const steps = [
      { op: 'replace', path: '/data/password', value: 'aHVudGVyMg==' },
      { op: 'add', path: '', value: { data: { p: 'aHVudGVyMg==' } } },
      { op: 'add', path: '/stringData', value: { p: 'aHVudGVyMg==' } },
    ]
    const patch = read('PATCH /api/v1/namespaces/a/secrets/s', steps, 'application/json-patch+json')
    expect(patch.text).not.toContain('aHVudGVyMg')
    const review = { spec: { token: 'eyJhbGciOi' } }
    expect(read('POST /apis/authentication.k8s.io/v1/tokenreviews', review).text).not.toContain(
      'eyJ',
    )
  })

  it('holds no secret of a query, and no field that a client changes each time', () => {
    expect(read('GET /version?access_token=hunter2').text).not.toContain('hunter2')
  })

  it('is a stream’s or a hash where a proxy leads on', () => {
    const line = 'POST /api/v1/namespaces/a/services/web/proxy/x'
    const stream = readRequest({ ...asked(line), body: { kind: 'stream' } }).statement
    expect([stream.text, stream.unread]).toEqual([`${line} <body as it comes>`, true])
    const sha256 = 'ab'.repeat(32)
    const hashed = readRequest({
      ...asked(line),
      body: { kind: 'bytes', length: 3, sha256 },
    }).statement
    expect([hashed.text, hashed.unread]).toEqual([
      `${line} <3 bytes, SHA-256 ${sha256}>`,
      undefined,
    ])
    expect(readStatement(hashed.text).text).toBe(hashed.text)
  })
})

describe('a request', () => {
  it('is a statement or refused, and never an error of ours', () => {
    const segment = fc.constantFrom(
      'api',
      'apis',
      'v1',
      'apps',
      'namespaces',
      'a',
      'pods',
      'secrets',
      'exec',
      'proxy',
      'portforward',
      'scale',
      'eviction',
      'x:y:z',
    )
    const part = fc.oneof(
      fc.constantFrom(
        'metadata',
        'spec',
        'name',
        'labels',
        'op',
        'path',
        'value',
        'hostPath',
        'image',
        'add',
        'replace',
        '/a/b',
        'replicas',
        'subjects',
        '<<',
        'a\nb\n',
      ),
      fc.string(),
    )
    const { tree } = fc.letrec(tie => ({
      tree: fc.oneof(
        { depthSize: 'small' },
        part,
        fc.constant(null),
        fc.double(),
        fc.array(tie('tree'), { maxLength: 3 }),
        fc.dictionary(part, tie('tree'), { maxKeys: 4 }),
      ),
    }))
    const types = fc.constantFrom(
      undefined,
      'application/json',
      'application/yaml',
      'application/json-patch+json',
      'application/merge-patch+json',
      'application/apply-patch+yaml',
      'application/vnd.kubernetes.protobuf',
    )
    const body = fc.oneof(
      tree.map(value => Buffer.from(JSON.stringify(value))),
      fc.uint8Array(),
      fc.string().map(text => Buffer.from(text)),
    )
    const target = fc.tuple(
      fc.constantFrom('/api/v1/', '/apis/apps/v1/', '/'),
      fc.array(segment, { maxLength: 5 }),
    )
    fc.assert(
      fc.property(
        fc.constantFrom('GET', 'POST', 'PUT', 'PATCH', 'DELETE'),
        target,
        types,
        body,
        (method, [before, rest], type, bytes) => {
          const path = before + rest.join('/')
          try {
            const { statement } = readRequest({
              method,
              path,
              query: 'command=a&ports=1',
              type,
              body: { kind: 'whole', bytes },
            })
            expect(statement.operations.length).toBeGreaterThan(0)
            const again = readStatement(statement.text)
            expect([again.text, again.operations]).toEqual([statement.text, statement.operations])
          } catch (error) {
            expect(error).toBeInstanceOf(InvalidRequest)
          }
        },
      ),
      { numRuns: 1000 },
    )
  })
})

describe('named values', () => {
  it('are parts of the path and parameters', () => {
    const { texts } = read('DELETE /apis/apps/v1/namespaces/a/deployments?labelSelector=app%3Dx')
      .named!
    expect(Object.fromEntries(texts)).toEqual({
      '?labelSelector': ['app=x'],
      '{group}': ['apps'],
      '{version}': ['v1'],
      '{resource}': ['deployments'],
      '{namespace}': ['a'],
    })
  })
})
