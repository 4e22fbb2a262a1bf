// Ways by which proxies of clusters were passed, or might be: requests that run, write or give rights and look as if they read
// or as if they were another's. Under policies that permit reading, writes in one namespace and one command, none of them
// reaches the cluster; the honest one beside it does.
import { connect } from 'node:tls'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type ClusterStage, startClusterStage } from '../e2e/kubernetes-stage.ts'

const POLICIES = `
@id("reads")
permit (principal, action in [Action::"connect", Action::"read"], resource in Resource::"cluster");
@id("writes-at-home")
permit (principal, action == Action::"write", resource in Resource::"cluster")
when { context.fields.hasTag("{namespace}") && context.fields.getTag("{namespace}").contains("home") };
@id("tries-anywhere")
permit (principal, action in [Action::"write", Action::"administer"], resource in Resource::"cluster") when { context.explain };
@id("one-command")
permit (principal, action == Action::"execute", resource in Resource::"cluster")
when { context.verb == "pods/exec" && context.fields.hasTag("commandLine") && context.fields.getTag("commandLine").contains("ls -l") };
@id("one-port")
permit (principal, action == Action::"tunnel", resource in Resource::"cluster")
when { context has tunnel && context.tunnel.port == 8080 };
@id("nothing-wide") @reason("say which")
forbid (principal, action == Action::"write", resource) when { context.unfiltered };
@id("nothing-privileged") @reason("no privileged pods")
forbid (principal, action == Action::"write", resource)
when { context.fields.hasTag("privileged") && context.fields.getTag("privileged").contains("true") };
@id("our-images") @reason("images of ours only")
forbid (principal, action == Action::"write", resource)
when { context.fields.hasTag("images") && !["registry.test/web"].containsAll(context.fields.getTag("images")) };
@id("no-secrets-read") @reason("nobody reads secrets")
forbid (principal, action == Action::"read", resource) when { resource is Object && resource.kind == "secrets" };
`

const PODS = '/api/v1/namespaces/home/pods'
const MERGE = 'application/strategic-merge-patch+json'
const STEPS = 'application/json-patch+json'
const APPLY = 'application/apply-patch+yaml'
const UPGRADE = {
  websocket:
    'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Protocol: v5.channel.k8s.io',
  spdy: 'Connection: Upgrade\r\nUpgrade: SPDY/3.1\r\nX-Stream-Protocol-Version: v4.channel.k8s.io',
}

let stage: ClusterStage
let token = ''

beforeAll(async () => {
  stage = await startClusterStage({ policies: { 'cluster.cedar': POLICIES } })
  token = await stage.token()
})
afterAll(() => stage?.stop())

interface Asked {
  readonly fields?: string
  readonly body?: unknown
  readonly type?: string
}

/** The status and the reason of what comes back, as it was written: `403 forbidden`. */
async function ask(line: string, { fields = '', body, type }: Asked = {}): Promise<string> {
  const [, method, target] = /^(\S+) (.*)$/.exec(line) ?? []
  const text = body === undefined ? '' : typeof body === 'string' ? body : JSON.stringify(body)
  const typed = type ?? (body === undefined ? undefined : 'application/json')
  const head = [
    `${method} /cluster${target} HTTP/1.1`,
    'Host: 127.0.0.1',
    `Authorization: Bearer ${token}`,
    ...(fields.includes('Connection:') ? [] : ['Connection: close']),
    ...(typed === undefined ? [] : [`Content-Type: ${typed}`]),
    ...(fields === '' ? [] : [fields]),
    ...(body === undefined ? [] : [`Content-Length: ${Buffer.byteLength(text)}`]),
  ]
  const socket = connect({ port: stage.gateway.port, host: '127.0.0.1', rejectUnauthorized: false })
  socket.write(`${head.join('\r\n')}\r\n\r\n${text}`)
  let answer = ''
  for await (const chunk of socket) {
    answer += String(chunk)
    const [, length] = /\r\ncontent-length: (\d+)\r\n/i.exec(answer) ?? []
    const start = answer.indexOf('\r\n\r\n')
    if (
      start >= 0 &&
      (answer.startsWith('HTTP/1.1 101') || answer.length - start - 4 >= Number(length))
    )
      break
  }
  socket.destroy()
  const status = answer.slice(9, 12)
  const [, reason] = /"causes":\[\{"reason":"(\w+)"/.exec(answer) ?? []
  return reason === undefined ? status : `${status} ${reason}`
}

/** What reached the cluster for a client while `run` went on. */
async function heardIn(run: () => Promise<unknown>): Promise<readonly string[]> {
  const heard = stage.cluster.standIn?.heard ?? []
  const before = heard.length
  await run()
  return heard.slice(before).map(({ method, url }) => `${method} ${url}`)
}

const refused =
  /^(?:403(?: (?:forbidden|no_permit))?|400|4\d\d (?:statement_\w+|message_unsupported|protocol_violation))$/

function stays(name: string, line: string, more?: Asked): void {
  it(`${name} does not reach the cluster`, async () => {
    const heard = await heardIn(async () => expect(await ask(line, more)).toMatch(refused))
    expect(heard).toEqual([])
  })
}

function passes(name: string, line: string, more?: Asked): void {
  it(`${name} reaches it`, async () => {
    const heard = await heardIn(async () => expect(await ask(line, more)).not.toMatch(refused))
    if (stage.cluster.standIn !== undefined) expect(heard).toHaveLength(1)
  })
}

describe('P33: what runs, and looks as if it read', () => {
  passes('a list', `GET ${PODS}`)
  stays('exec as GET over a WebSocket', `GET ${PODS}/web/exec?command=id&stdout=true`, {
    fields: UPGRADE.websocket,
  })
  stays('exec as POST over SPDY', `POST ${PODS}/web/exec?command=id&stdout=true`, {
    fields: UPGRADE.spdy,
  })
  stays('exec as GET without an upgrade', `GET ${PODS}/web/exec?command=id`)
  stays('exec as HEAD', `HEAD ${PODS}/web/exec?command=id`)
  stays('exec of more than the command', `GET ${PODS}/web/exec?command=ls&command=-l&command=/`)
  stays('exec of the words in another order', `GET ${PODS}/web/exec?command=-l&command=ls`)
  stays('exec of the command as one word', `GET ${PODS}/web/exec?command=ls+-l`)
  stays('exec in a subresource written otherwise', `GET ${PODS}/web/%65xec?command=id`, {
    fields: UPGRADE.websocket,
  })
  stays('attach', `GET ${PODS}/web/attach?stdin=true`, { fields: UPGRADE.websocket })
  stays('an ephemeral container', `PATCH ${PODS}/web/ephemeralcontainers`, {
    body: { spec: { ephemeralContainers: [{ name: 'e', image: 'registry.test/web' }] } },
    type: MERGE,
  })
  stays('nodes/proxy as GET', 'GET /api/v1/nodes/n1/proxy/pods')
  stays(
    'the kubelet’s exec through nodes/proxy',
    'GET /api/v1/nodes/n1/proxy/exec/home/web/c?command=id',
    {
      fields: UPGRADE.websocket,
    },
  )
  stays('nodes/proxy with a port', 'GET /api/v1/nodes/https:n1:10250/proxy/run/home/web/c')
  stays('a proxy by the path', 'GET /api/v1/proxy/nodes/n1/run')
  stays('services/proxy as GET', 'GET /api/v1/namespaces/home/services/web/proxy/')
  stays('pods/proxy as POST', `POST ${PODS}/web:8080/proxy/admin`, { body: {} })
  stays('port-forward to another port', `GET ${PODS}/web/portforward?ports=22`, {
    fields: UPGRADE.websocket,
  })
  stays('port-forward to one more port', `GET ${PODS}/web/portforward?ports=8080,22`, {
    fields: UPGRADE.websocket,
  })
  stays('port-forward that names no port', `POST ${PODS}/web/portforward`, { fields: UPGRADE.spdy })
  stays(
    'a console of an aggregated API',
    'GET /apis/subresources.kubevirt.io/v1/namespaces/home/virtualmachineinstances/v/console',
    {
      fields: UPGRADE.websocket,
    },
  )
})

describe('P33: another cluster than the one that is open', () => {
  it('is refused on the same connection', async () => {
    const heard = await heardIn(async () => {
      expect(await ask('GET /../other/api/v1/pods')).toMatch(/^4/)
      expect(
        await ask('GET /api', {
          fields: 'X-Forwarded-Host: other.test\r\nX-Forwarded-Prefix: /other',
        }),
      ).toBe('200')
    })
    expect(heard.filter(each => each !== 'GET /api')).toEqual([])
  })
})

describe('P28: who asks', () => {
  it.each([
    'Impersonate-User: admin',
    'impersonate-user: admin\r\nIMPERSONATE-GROUP: system:masters',
    'Impersonate-Group: system:masters',
    'Impersonate-Uid: 0',
    'Impersonate-Extra-Scopes: all',
    'Impersonate-Extra-sallyport-run: another',
    'X-Remote-User: admin\r\nX-Remote-Group: system:masters\r\nX-Remote-Extra-a: b',
    'Connection: close, Impersonate-User, Impersonate-Group',
    'Connection: close, Impersonate-User, Impersonate-Group, Authorization',
    'Authorization: Bearer another',
  ])('is said by us alone: %s', async fields => {
    const heard = stage.cluster.standIn?.heard ?? []
    const before = heard.length
    const status = await ask(`GET ${PODS}`, {
      fields: fields.startsWith('Connection') ? fields : `Connection: close\r\n${fields}`,
    })
    // Two proofs are none, and no proof goes away with the connection.
    const refused = fields.startsWith('Authorization') ? '401 token_invalid' : undefined
    const named = fields.endsWith('Authorization') ? '400 protocol_violation' : undefined
    expect(status).toBe(refused ?? named ?? '200')
    if (status === '200' && stage.cluster.standIn !== undefined)
      expect(heard.length).toBe(before + 1)
    for (const { user, groups, extra, headers } of heard.slice(before)) {
      expect(user).toBe('sallyport:order-bot')
      expect(groups).not.toContain('system:masters')
      expect(Object.keys(extra).every(name => name.startsWith('sallyport-'))).toBe(true)
      expect(extra['sallyport-run']).not.toContain('another')
      expect(Object.keys(headers).filter(name => name.startsWith('x-remote-'))).toEqual([])
    }
  })
})

describe('a path that two readers read in two ways', () => {
  for (const path of [
    '/api/v1//namespaces/home/pods',
    '/api/v1/namespaces/home/pods/../secrets',
    '/api/v1/namespaces/home/pods/%2e%2e/secrets',
    '/api/v1/namespaces/home/pods%2fweb',
    '/api/v1/namespaces/home/pods/web%2fexec?command=id',
    '/api/v1/namespaces/home/pods/web;/exec?command=id',
    '/api/v1/namespaces/home/pods;x/web',
    '/api/v1/namespaces/home/pods/web%252fexec',
    '/api/v1/namespaces/home/pods/web\\exec',
    '/api/v1/namespaces/home/pods/web%00',
  ])
    stays(path, `GET ${path}`)
  stays('a list of secrets by escapes', 'GET /api/v1/namespaces/home/%73ecrets')
  stays('a watch of secrets by the path', 'GET /api/v1/watch/namespaces/home/secrets')
  stays('secrets with a slash at the end', 'GET /api/v1/namespaces/home/secrets/')
})

describe('what is wide, and says that it is not', () => {
  stays('a collection', `DELETE ${PODS}`)
  stays('a collection by an empty selector', `DELETE ${PODS}?labelSelector=&fieldSelector=`)
  stays('a collection by a selector twice', `DELETE ${PODS}?labelSelector=&labelSelector=app%3Dx`)
  stays('a collection by a selector in another case', `DELETE ${PODS}?LabelSelector=app%3Dx`)
  stays('a collection by a selector behind a semicolon', `DELETE ${PODS}?x=1;labelSelector=app%3Dx`)
  stays(
    'a deletion elsewhere by the namespace of its query',
    'DELETE /api/v1/namespaces/away/pods/web?namespace=home',
  )
  passes('a collection that is chosen', `DELETE ${PODS}?labelSelector=app%3Dnone`)
})

describe('what is only tried, and is not', () => {
  passes('a dry run', 'DELETE /api/v1/namespaces/away/pods/none?dryRun=All')
  stays(
    'a deletion whose body has the options',
    'DELETE /api/v1/namespaces/away/pods/web?dryRun=All',
    {
      body: { propagationPolicy: 'Background' },
    },
  )
  stays('a dry run in the body of an update', 'PUT /api/v1/namespaces/away/configmaps/c', {
    body: { metadata: { name: 'c' }, dryRun: ['All'] },
  })
  stays('a dry run twice', 'DELETE /api/v1/namespaces/away/pods/web?dryRun=All&dryRun=')
  stays('a dry run in another case', 'DELETE /api/v1/namespaces/away/pods/web?dryrun=All')
  stays(
    'a token, which nobody tries',
    'POST /api/v1/namespaces/away/serviceaccounts/s/token?dryRun=All',
    { body: {} },
  )
  stays(
    'an API that may not know the word',
    'DELETE /apis/example.com/v1/namespaces/away/things/t?dryRun=All',
  )
})

describe('a privileged pod', () => {
  const metadata = { name: 'web' }
  const container = (more: object) => ({
    spec: { containers: [{ name: 'c', image: 'registry.test/web', ...more }] },
  })
  const privileged = container({ securityContext: { privileged: true } })
  const text = JSON.stringify({ metadata, ...privileged })
  passes('one that is not', `POST ${PODS}`, {
    body: { apiVersion: 'v1', kind: 'Pod', metadata, ...container({}) },
  })
  stays('plain', `POST ${PODS}`, { body: text })
  stays('in a template', 'POST /apis/apps/v1/namespaces/home/deployments', {
    body: { spec: { template: privileged } },
  })
  stays('in an object of nobody', 'POST /apis/example.com/v1/namespaces/home/things', {
    body: { any: [privileged] },
  })
  stays('by a merge patch', `PATCH ${PODS}/web`, { body: privileged, type: MERGE })
  stays('by a step of a JSON patch', `PATCH ${PODS}/web`, {
    body: [{ op: 'add', path: '/spec/containers/0/securityContext/privileged', value: true }],
    type: STEPS,
  })
  stays('by a copy of another true', `PATCH ${PODS}/web`, {
    body: [
      {
        op: 'copy',
        from: '/spec/containers/0/tty',
        path: '/spec/containers/0/securityContext/privileged',
      },
    ],
    type: STEPS,
  })
  stays('by a path with something ahead of it', `PATCH ${PODS}/web`, {
    body: [{ op: 'add', path: 'x/spec/containers/0/securityContext', value: { privileged: true } }],
    type: STEPS,
  })
  stays('by the old boolean of YAML', `PATCH ${PODS}/web`, {
    body: 'spec: {containers: [{name: c, securityContext: {privileged: yes}}]}',
    type: APPLY,
  })
  stays('by an alias of YAML', `PATCH ${PODS}/web`, {
    body: 'a: &t true\nspec: {containers: [{name: c, securityContext: {privileged: *t}}]}',
    type: APPLY,
  })
  stays('by a merge key of YAML', `PATCH ${PODS}/web`, {
    body: 'spec: {containers: [{name: c, securityContext: {<<: {privileged: true}}}]}',
    type: APPLY,
  })
  stays('by a name twice', `POST ${PODS}`, {
    body: text.replace('"privileged":true', '"privileged":false,"privileged":true'),
  })
  stays('by a name twice, one escaped', `POST ${PODS}`, {
    body: text.replace('"privileged":true', '"privileged":false,"privile\\u0067ed":true'),
  })
  stays('by a name in another case', `POST ${PODS}`, {
    body: text.replace('privileged', 'Privileged'),
  })
  stays('behind a byte order mark', `POST ${PODS}`, { body: `\ufeff${text}` })
  stays('behind another text', `POST ${PODS}`, { body: `{}${text}` })
  stays('in CBOR', `POST ${PODS}`, { body: text, type: 'application/cbor' })
  stays('in what says that it is protobuf', `POST ${PODS}`, {
    body: text,
    type: 'application/vnd.kubernetes.protobuf',
  })
  stays('in what says that it is compressed', `POST ${PODS}`, {
    body: text,
    fields: 'Content-Encoding: gzip',
  })
  stays('under two types', `POST ${PODS}`, { body: text, fields: 'Content-Type: application/cbor' })
  stays('as an image of another’s', `PATCH ${PODS}/web`, {
    body: [{ op: 'replace', path: '/spec/containers/0/image', value: 'evil.test/x' }],
    type: STEPS,
  })
})

describe('what a body says otherwise than its URL', () => {
  stays('another namespace', `POST ${PODS}`, {
    body: { metadata: { name: 'x', namespace: 'away' } },
  })
  stays('another name', `PUT ${PODS}/web`, { body: { metadata: { name: 'other' } } })
  stays('another kind', `POST ${PODS}`, {
    body: { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'x' } },
  })
  stays('a body where none is read', `GET ${PODS}`, { body: { spec: {} } })
})

describe('rights', () => {
  stays(
    'a binding at home',
    'POST /apis/rbac.authorization.k8s.io/v1/namespaces/home/rolebindings',
    { body: {} },
  )
  stays(
    'a token of an account at home',
    'POST /api/v1/namespaces/home/serviceaccounts/builder/token',
    { body: {} },
  )
  stays('a method in a field', `GET ${PODS}/web`, { fields: 'X-HTTP-Method-Override: DELETE' })
  passes(
    'a question about one’s own',
    'POST /apis/authorization.k8s.io/v1/selfsubjectaccessreviews',
    {
      body: { spec: { resourceAttributes: { verb: 'get', resource: 'pods' } } },
    },
  )
})
