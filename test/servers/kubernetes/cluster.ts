// A cluster to stand before: the stand-in, or a real kube-apiserver when KUBE_APISERVER and ETCD name programs. Either with
// controllers that make pods of deployments, and with the same tokens and rights.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { freePort } from '../ports.ts'
import { cleanEnvironment, ended, until } from '../programs.ts'
import { type Certificates, makeCertificates } from './certificates.ts'
import { type Controllers, type Rest, restOf, startControllers } from './controllers.ts'
import { type Kubelet, startKubelet } from './kubelet.ts'
import { Logs } from './logs.ts'
import { type StandIn, startStandIn } from './server.ts'

/** Of system:masters. */
const ADMIN_TOKEN = 'admin-token-of-the-cluster'
/** May impersonate, and nothing else. */
export const GATEWAY_TOKEN = 'gateway-token-of-the-cluster'
const CONTROLLER_TOKEN = 'controller-token-of-the-cluster'

export interface RunningCluster {
  readonly url: string
  readonly certificates: Certificates
  readonly adminToken: string
  /** Of the stand-in: what came, and its objects. Undefined: it is a real one. */
  readonly standIn: StandIn | undefined
  /** Where a real one writes who asked for what. */
  readonly auditLog: string | undefined
  readonly logs: Logs
  /** As the administrator. */
  readonly ask: Rest
  stop(): Promise<void>
}

/** What the gateway may do in the cluster, and those it acts for. */
const RIGHTS = [
  role('impersonator', [
    { apiGroups: [''], resources: ['users', 'groups'], verbs: ['impersonate'] },
    {
      apiGroups: ['authentication.k8s.io'],
      resources: ['session', 'run', 'actor'].map(name => `userextras/sallyport-${name}`),
      verbs: ['impersonate'],
    },
  ]),
  role('everything', [
    { apiGroups: ['*'], resources: ['*'], verbs: ['*'] },
    { nonResourceURLs: ['*'], verbs: ['*'] },
  ]),
  binding('impersonator', { kind: 'User', name: 'gateway' }),
]

function role(name: string, rules: readonly object[]) {
  const apiVersion = 'rbac.authorization.k8s.io/v1'
  return { apiVersion, kind: 'ClusterRole', metadata: { name }, rules }
}

function binding(to: string, subject: { kind: string; name: string }) {
  const apiGroup = 'rbac.authorization.k8s.io'
  return {
    apiVersion: `${apiGroup}/v1`,
    kind: 'ClusterRoleBinding',
    metadata: { name: `${to}-${subject.name.replaceAll(/[^a-z0-9-]/g, '-')}` },
    roleRef: { apiGroup, kind: 'ClusterRole', name: to },
    subjects: [{ ...subject, apiGroup }],
  }
}

/** `all`: users (as the cluster sees them) that may do everything. `alone`: nobody makes pods of deployments or runs them. */
export async function startCluster(
  folder: string,
  all: readonly string[],
  alone = false,
): Promise<RunningCluster> {
  const certificates = makeCertificates(folder, {
    gateway: ['gateways'],
    'kubelet-client': ['system:masters'],
  })
  const { KUBE_APISERVER: program, ETCD: etcd } = process.env
  const logs = new Logs()
  const base =
    program !== undefined && etcd !== undefined
      ? await startReal(folder, certificates, program, etcd)
      : await startFake(certificates, logs)
  const api = { url: base.url, ca: certificates.ca, token: ADMIN_TOKEN }
  const ask = restOf(api)
  const bindings = all.map(name => binding('everything', { kind: 'User', name }))
  for (const one of [...RIGHTS, ...bindings])
    await ask('POST', `/apis/rbac.authorization.k8s.io/v1/${one.kind.toLowerCase()}s`, one)
  const kubelet: Kubelet | undefined =
    base.standIn === undefined ? await startKubelet(certificates, logs, ask) : undefined
  const controllers: Controllers | undefined = alone
    ? undefined
    : await startControllers({ ...api, token: CONTROLLER_TOKEN })
  return {
    ...base,
    certificates,
    adminToken: ADMIN_TOKEN,
    logs,
    ask,
    async stop() {
      controllers?.stop()
      await kubelet?.stop()
      await base.stop()
    },
  }
}

async function startFake(certificates: Certificates, logs: Logs) {
  const masters = ['system:masters']
  const standIn = await startStandIn({
    certificates,
    logs,
    tokens: {
      [ADMIN_TOKEN]: { user: 'admin', groups: masters },
      [GATEWAY_TOKEN]: { user: 'gateway', groups: ['gateways'] },
      [CONTROLLER_TOKEN]: { user: 'system:kube-controller-manager', groups: masters },
    },
  })
  return { url: standIn.url, standIn, auditLog: undefined, stop: () => standIn.stop() }
}

async function startReal(
  folder: string,
  certificates: Certificates,
  program: string,
  etcd: string,
) {
  const [port, store] = [await freePort(), await freePort()]
  const at = (name: string) => join(folder, name)
  writeFileSync(
    at('tokens.csv'),
    [
      `${ADMIN_TOKEN},admin,admin,"system:masters"`,
      `${GATEWAY_TOKEN},gateway,gateway,"gateways"`,
      `${CONTROLLER_TOKEN},system:kube-controller-manager,controllers,"system:masters"`,
    ].join('\n'),
  )
  writeFileSync(
    at('audit.yaml'),
    'apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: [{level: Metadata}]\n',
  )
  // Of service accounts; the server reads no PKCS #8 here.
  const accounts = at('accounts.key')
  execFileSync('openssl', ['ec', '-in', certificates.key, '-out', accounts], { stdio: 'ignore' })
  let said = ''
  const start = (path: string, args: readonly string[]): ChildProcess => {
    const child = spawn(path, args, { cwd: folder, env: cleanEnvironment() })
    for (const stream of [child.stdout, child.stderr])
      stream?.on('data', piece => {
        said = (said + String(piece)).slice(-4000)
      })
    return child
  }
  const client = `http://127.0.0.1:${store}`
  const { key, ca, cert } = certificates
  const kubelet = certificates.client('kubelet-client')
  const running = [
    start(etcd, [
      `--data-dir=${at('etcd')}`,
      `--listen-client-urls=${client}`,
      `--advertise-client-urls=${client}`,
      '--listen-peer-urls=http://127.0.0.1:0',
      '--unsafe-no-fsync',
    ]),
    start(program, [
      `--etcd-servers=${client}`,
      `--secure-port=${port}`,
      '--bind-address=127.0.0.1',
      '--advertise-address=127.0.0.1',
      `--tls-cert-file=${cert}`,
      `--tls-private-key-file=${key}`,
      `--client-ca-file=${ca}`,
      `--token-auth-file=${at('tokens.csv')}`,
      '--service-account-issuer=https://kubernetes.default.svc',
      `--service-account-key-file=${accounts}`,
      `--service-account-signing-key-file=${accounts}`,
      '--service-cluster-ip-range=10.0.0.0/24',
      '--authorization-mode=RBAC',
      '--anonymous-auth=false',
      '--disable-admission-plugins=ServiceAccount',
      `--audit-log-path=${at('audit.log')}`,
      `--audit-policy-file=${at('audit.yaml')}`,
      `--kubelet-client-certificate=${kubelet.cert}`,
      `--kubelet-client-key=${kubelet.key}`,
      '--kubelet-preferred-address-types=InternalIP',
      '--endpoint-reconciler-type=none',
      '--allow-privileged=true',
      `--cert-dir=${at('certificates')}`,
    ]),
  ]
  const url = `https://127.0.0.1:${port}`
  const ask = restOf({ url, ca, token: ADMIN_TOKEN })
  const stop = async () => {
    for (const child of running.reverse()) {
      child.kill('SIGTERM')
      if (!(await ended(child, 5000))) child.kill('SIGKILL')
    }
  }
  const ready = async () => {
    if (running.some(child => child.exitCode !== null)) throw new Error('a server ended at once')
    // Nobody listens yet.
    const said = await ask('GET', '/readyz').catch(() => undefined)
    return said === 'ok'
  }
  try {
    await until('the API server to be ready', ready, 60_000)
  } catch (error) {
    await stop()
    throw new Error(`${String(error)}\n${said}`)
  }
  return { url, standIn: undefined, auditLog: at('audit.log'), stop }
}
