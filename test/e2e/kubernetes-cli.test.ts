// kubectl by the files that the command line writes: for good, with its credential plugin, and for a local port.
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { parse } from 'yaml'
import { type Issuer, startIssuer } from '../../demo/index.ts'
import { issuerEntry, type RunningGateway, startGateway } from '../servers/gateway.ts'
import { makeCertificates } from '../servers/kubernetes/certificates.ts'
import { Logs } from '../servers/kubernetes/logs.ts'
import { type StandIn, startStandIn } from '../servers/kubernetes/server.ts'
import { type Ran, run } from '../servers/programs.ts'

const UPSTREAM_TOKEN = 'service-account-of-the-gateway'
const ADMIN_TOKEN = 'administrator-of-the-cluster'
const GUIDE = join(import.meta.dirname, '..', '..', 'docs', 'guides', 'kubernetes.md')
/** The cluster's own role, as far as it is needed here. */
const EDIT = `
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: { name: edit }
rules: [{ apiGroups: [""], resources: [namespaces, pods], verbs: [get, list, watch] }]
`
const POLICIES = `
@id("reads") permit (principal, action in [Action::"connect", Action::"read"], resource in Resource::"prod");
`

let folder: string
let issuer: Issuer
let cluster: StandIn
let gateway: RunningGateway
let token: string
/** Who wrote the file that most tests go by, and what was said then. */
let first: Home
let told: Ran
let written: string

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sallyport-kubectl-'))
  const certificates = makeCertificates(folder)
  issuer = await startIssuer()
  cluster = await startStandIn({
    certificates,
    logs: new Logs(),
    tokens: {
      [UPSTREAM_TOKEN]: { user: 'system:serviceaccount:sallyport:gateway' },
      [ADMIN_TOKEN]: { user: 'root', groups: ['system:masters'] },
    },
  })
  const applied = await run(
    'kubectl',
    ['apply', '--validate=false', '-f', '-', ...asAdministrator(certificates.ca)],
    {
      input: rightsOfTheGuide() + EDIT,
      env: { HOME: folder },
    },
  )
  expect(applied.stderr).toBe('')
  gateway = await startGateway({
    issuers: [issuerEntry(issuer.url)],
    resources: [
      {
        name: 'prod',
        protocol: 'kubernetes',
        upstream: {
          server: `https://127.0.0.1:${cluster.port}`,
          ca: `file:${certificates.ca}`,
          addresses: ['loopback'],
        },
        credential: { token: 'env:CLUSTER' },
      },
    ],
    policies: { 'reads.cedar': POLICIES },
    env: { CLUSTER: UPSTREAM_TOKEN },
    listener: 'kubernetes',
  })
  token = await issuer.token({ client: 'order-bot' })
  first = home()
  told = await first.cli('connect', 'prod', '--write')
  written = join(first.own, 'kubeconfig')
})
afterAll(async () => {
  await gateway?.remove()
  await cluster?.stop()
  await issuer?.stop()
  rmSync(folder, { recursive: true, force: true })
})

/** The guide's own objects: a service account that may name others, and what those may do. */
function rightsOfTheGuide(): string {
  const found = readFileSync(GUIDE, 'utf8').matchAll(
    /^kubectl apply -f - <<'END'\n([\s\S]*?)^END$/gm,
  )
  return [...found].map(([, objects = '']) => objects).join('---\n')
}

const asAdministrator = (ca: string) => [
  '--server',
  cluster.url,
  '--certificate-authority',
  ca,
  '--token',
  ADMIN_TOKEN,
]

/** A home of its own, so that nothing is kept from one test to the next. */
function home() {
  const path = mkdtempSync(join(folder, 'home-'))
  const env = { HOME: path, XDG_CONFIG_HOME: join(path, 'config') }
  return {
    path,
    own: join(env.XDG_CONFIG_HOME, 'sallyport'),
    cli: (...args: string[]) => gateway.cli(args, token, 60_000, env),
    kubectl: (args: readonly string[], more: Record<string, string | undefined> = {}) =>
      run('kubectl', args, {
        env: { PATH: process.env['PATH'], ...env, SALLYPORT_TOKEN: token, ...more },
      }),
  }
}
type Home = ReturnType<typeof home>

const names = ({ code, stdout, stderr }: Ran) => [code, stderr, stdout.includes('default')]
const GET = ['get', 'namespaces', '-o', 'name']
async function credentials(): Promise<{ id: string }[]> {
  return JSON.parse((await gateway.cli(['credentials', '--json'], token)).stdout)
}

test('connect --write writes a kubeconfig by which kubectl comes in, as who runs it', async () => {
  expect(told.stdout).toContain(`export KUBECONFIG=${written}`)
  expect(statSync(written).mode & 0o777).toBe(0o600)
  expect(readFileSync(written, 'utf8')).not.toContain(token)
  expect(readdirSync(first.own)).toEqual(['kubeconfig'])

  const before = cluster.heard.length
  expect(names(await first.kubectl(GET, { KUBECONFIG: written }))).toEqual([0, '', true])
  const heard = cluster.heard.slice(before)
  expect(heard.length).toBeGreaterThan(0)
  for (const { user, by } of heard)
    expect([user, by]).toEqual(['sallyport:order-bot', 'system:serviceaccount:sallyport:gateway'])
  for (const { headers } of heard) expect(headers['authorization']).toBe(`Bearer ${UPSTREAM_TOKEN}`)
})

test('one credential serves many starts of kubectl; one that was revoked or is old is renewed', async () => {
  const me = home()
  const KUBECONFIG = written
  expect(names(await me.kubectl(GET, { KUBECONFIG }))).toEqual([0, '', true])
  // As kubectl runs it.
  const ask = async () => {
    const printed = await me.cli('credential', 'prod', '--kubernetes', '--ca', gateway.ca)
    const { status } = JSON.parse(printed.stdout)
    const kept = join(me.own, 'credentials')
    const [name = ''] = readdirSync(kept)
    const file = join(kept, name)
    expect(statSync(file).mode & 0o777).toBe(0o600)
    const credential = JSON.parse(readFileSync(file, 'utf8'))
    expect(status.token).toBe(`${credential.id}.${credential.secret}`)
    return { file, ...credential }
  }
  const had = (await credentials()).length
  const first = await ask()
  expect(names(await me.kubectl(GET, { KUBECONFIG }))).toEqual([0, '', true])
  expect((await credentials()).length).toBe(had)

  await gateway.cli(['credentials', '--revoke', first.id], token)
  const second = await ask()
  expect(second.id).not.toBe(first.id)

  const { file, ...kept } = second
  const minute = 60_000
  const older = { ...kept, issuedAt: Date.now() - 6 * minute, expiresAt: Date.now() + 9 * minute }
  writeFileSync(file, JSON.stringify(older), { mode: 0o600 })
  const third = await ask()
  expect(third.id).not.toBe(second.id)
  writeFileSync(file, '{', { mode: 0o600 })
  expect((await ask()).id).not.toBe(third.id)
})

test('kubectl says what to do when nobody is signed in, or the token is wrong', async () => {
  const me = home()
  const KUBECONFIG = written
  // One request: kubectl repeats the others, and the words with them.
  const one = ['get', '--raw', '/version']
  const nobody = await me.kubectl(one, { KUBECONFIG, SALLYPORT_TOKEN: undefined })
  expect(nobody.code).not.toBe(0)
  expect(nobody.stderr).toContain(`sallyport login --gateway ${gateway.consoleUrl}`)
  // What `login` keeps does as well as a token in the environment.
  const kept = { token, principal: 'order-bot', expiresAt: Date.now() + 600_000 }
  const signIns = JSON.stringify({ [gateway.consoleUrl]: kept })
  mkdirSync(me.own, { recursive: true })
  writeFileSync(join(me.own, 'sign-ins.json'), signIns, { mode: 0o600 })
  const signedIn = await me.kubectl(GET, { KUBECONFIG, SALLYPORT_TOKEN: undefined })
  expect(names(signedIn)).toEqual([0, '', true])
  const wrong = await me.kubectl(one, { KUBECONFIG, SALLYPORT_TOKEN: 'a.b.c' })
  expect(wrong.code).not.toBe(0)
  expect(wrong.stderr).toContain('refused')
  const asked = { KUBERNETES_EXEC_INFO: '{"apiVersion":"client.authentication.k8s.io/v1alpha1"}' }
  const old = await gateway.cli(['credential', 'prod', '--kubernetes'], token, 30_000, {
    ...asked,
    HOME: me.path,
    XDG_CONFIG_HOME: join(me.path, 'config'),
  })
  expect([old.code, old.stdout]).toEqual([1, ''])
  expect(old.stderr).toContain('v1beta1')
  const both = await me.cli('credential', 'prod', '--kubernetes', '--certificate')
  expect([both.code, both.stdout]).toEqual([2, ''])
})

test('what is written into a file of one’s own leaves the rest of it, and is followed through a link', async () => {
  const me = home()
  const mine = join(me.path, 'mine.yaml')
  const link = join(me.path, 'link.yaml')
  writeFileSync(
    mine,
    'apiVersion: v1\nkind: Config\n# mine\nclusters:\n- name: home\n  cluster: { server: https://10.0.0.1 }\ncontexts:\n- name: home\n  context: { cluster: home, user: me }\nusers: []\ncurrent-context: home\n',
  )
  symlinkSync(mine, link)
  const told = await me.cli('connect', 'prod', '--write', link)
  expect(told.stdout).toContain('kubectl config use-context sallyport-prod')
  expect(readFileSync(mine, 'utf8')).toContain('# mine')
  const contexts = await me.kubectl(['config', 'get-contexts', '-o', 'name'], { KUBECONFIG: mine })
  expect(contexts.stdout).toBe('home\nsallyport-prod\n')
  const current = await me.kubectl(['config', 'current-context'], { KUBECONFIG: link })
  expect(current.stdout).toBe('home\n')
  const got = await me.kubectl([...GET, '--context', 'sallyport-prod'], { KUBECONFIG: mine })
  expect(names(got)).toEqual([0, '', true])

  const text = readFileSync(mine, 'utf8')
  writeFileSync(`${mine}.lock`, '')
  const locked = await me.cli('connect', 'prod', '--write', mine)
  expect([locked.code, locked.stderr]).toEqual([1, expect.stringContaining('.lock')])
  rmSync(`${mine}.lock`)
  writeFileSync(mine, 'kind: Pod\napiVersion: v1\n')
  const wrong = await me.cli('connect', 'prod', '--write', mine)
  expect([wrong.code, wrong.stderr]).toEqual([1, expect.stringContaining('no kubeconfig')])
  expect(readFileSync(mine, 'utf8')).toBe('kind: Pod\napiVersion: v1\n')
  expect(text).toContain('sallyport-prod')
  expect(readdirSync(me.path).filter(name => /lock|mine\.yaml\./.test(name))).toEqual([])
})

test('connect runs kubectl on a local port, by a file that is gone afterwards', async () => {
  const me = home()
  const temporary = join(me.path, 'tmp')
  mkdirSync(temporary)
  const script = 'cat "$KUBECONFIG"; kubectl get namespaces -o name; echo "$KUBECONFIG" >&2; exit 7'
  const ran = await gateway.cli(['connect', 'prod', '--', 'sh', '-c', script], token, 60_000, {
    HOME: me.path,
    TMPDIR: temporary,
  })
  expect(ran.code).toBe(7)
  expect(ran.stdout).toContain('namespace/default')
  const [config = ''] = ran.stdout.split('namespace/')
  expect(parse(config).clusters[0].cluster.server).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/prod$/)
  expect(ran.stdout).not.toContain(token)
  expect(existsSync(ran.stderr.trim())).toBe(false)
  expect(readdirSync(temporary)).toEqual([])
})
