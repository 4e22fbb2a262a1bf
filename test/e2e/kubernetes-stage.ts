// What an end-to-end test of Kubernetes stands on: a cluster (the stand-in, or a real API server when KUBE_APISERVER and ETCD
// name programs), the gateway before it, and kubectl to both. The same user, with the same rights, comes on either way.
import { execFileSync, spawn } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Issuer, startIssuer } from '../../demo/index.ts'
import { issuerEntry, type RunningGateway, startGateway } from '../servers/gateway.ts'
import { GATEWAY_TOKEN, type RunningCluster, startCluster } from '../servers/kubernetes/index.ts'
import {
  cleanEnvironment,
  firstExisting,
  type Ran,
  type RunOptions,
  run,
} from '../servers/programs.ts'

/** As the cluster knows whom most tests come as. */
export const CLUSTER_USER = 'sallyport:order-bot'

export const POLICIES = `
@id("everything")
permit (principal is Agent, action, resource);
@id("givers")
permit (principal in Group::"dba", action == Action::"approve", resource);
@id("auditors")
permit (principal in Group::"dba", action in [Action::"console:read", Action::"console:audit", Action::"console:operate"], resource);
`

export interface ClusterStageOptions {
  readonly policies?: Readonly<Record<string, string>>
  readonly dataClasses?: object
  /** No controllers: pods are what they were made as. */
  readonly alone?: boolean
  /** Of the resource `cluster`, laid over the rest. */
  readonly upstream?: object
  readonly resource?: object
  readonly settings?: Readonly<Record<string, unknown>>
}

export interface ClusterStage {
  readonly cluster: RunningCluster
  readonly gateway: RunningGateway
  readonly issuer: Issuer
  readonly folder: string
  /** kubectl, as the agent: through the gateway, or to the cluster itself. */
  kubectl(args: readonly string[], options?: KubectlOptions): Promise<Ran>
  direct(args: readonly string[], options?: KubectlOptions): Promise<Ran>
  /** kubectl through the gateway, as long as it runs. */
  start(args: readonly string[], options?: KubectlOptions): Promise<Started>
  /** The file that says where to, for other clients: of `client`'s token. */
  kubeconfig(client?: string): Promise<string>
  readonly directKubeconfig: string
  token(client?: string): Promise<string>
  stop(): Promise<void>
}

export interface Started {
  /** What it has printed so far, errors too. */
  said(): string
  readonly ended: Promise<{ readonly at: number }>
  stop(): void
}

export interface KubectlOptions extends RunOptions {
  readonly client?: string
  /** The program; the machine's when absent. */
  readonly program?: string
}

/** Programs of this machine, by version: /usr/bin/kubectl and what the environment names. */
export function kubectls(): Readonly<Record<string, string>> {
  const { KUBECTL_1_20, KUBECTL_1_27, KUBECTL_1_32, KUBECTL_1_33 } = process.env
  const named = {
    '1.20': KUBECTL_1_20,
    '1.27': KUBECTL_1_27,
    '1.32': KUBECTL_1_32,
    '1.33': KUBECTL_1_33,
  }
  const found = Object.entries(named).flatMap(([version, path]) =>
    path !== undefined && existsSync(path) ? [[version, path]] : [],
  )
  const own = firstExisting('/usr/bin/kubectl', '/usr/local/bin/kubectl')
  if (found.length > 0 || own === undefined) return Object.fromEntries(found)
  const told = execFileSync(own, ['version', '--client', '-o', 'json'], { encoding: 'utf8' })
  const { major, minor } = JSON.parse(told).clientVersion
  return { [`${major}.${Number.parseInt(minor, 10)}`]: own }
}

export async function startClusterStage(options: ClusterStageOptions = {}): Promise<ClusterStage> {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-cluster-'))
  const stops: (() => unknown)[] = [() => rmSync(folder, { recursive: true, force: true })]
  const stop = async () => {
    for (const one of stops.splice(0).reverse()) await one()
  }
  try {
    const [cluster, issuer] = await Promise.all([
      startCluster(folder, [CLUSTER_USER, 'sallyport:ana'], options.alone),
      startIssuer(),
    ])
    stops.push(
      () => cluster.stop(),
      () => issuer.stop(),
    )
    const gateway = await startGateway({
      issuers: [issuerEntry(issuer.url)],
      resources: [
        {
          name: 'cluster',
          protocol: 'kubernetes',
          upstream: {
            server: cluster.url,
            ca: `file:${cluster.certificates.ca}`,
            addresses: ['loopback'],
            ...options.upstream,
          },
          credential: { token: 'env:CLUSTER_TOKEN' },
          ...options.resource,
        },
      ],
      policies: options.policies ?? { 'cluster.cedar': POLICIES },
      dataClasses: options.dataClasses ?? {},
      settings: options.settings ?? {},
      env: { CLUSTER_TOKEN: GATEWAY_TOKEN },
      listener: 'kubernetes',
    })
    stops.push(() => gateway.remove())
    mkdirSync(join(folder, 'home'))
    const tokens = new Map<string, Promise<string>>()
    const token = (client = 'order-bot') => {
      const known = tokens.get(client) ?? issuer.token({ client })
      tokens.set(client, known)
      return known
    }
    const write = (name: string, server: string, ca: string, user: object) => {
      const path = join(folder, name)
      const config = {
        apiVersion: 'v1',
        kind: 'Config',
        clusters: [{ name: 'c', cluster: { server, 'certificate-authority': ca } }],
        users: [{ name: 'u', user }],
        contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
        'current-context': 'x',
      }
      writeFileSync(path, JSON.stringify(config))
      return path
    }
    const directKubeconfig = write('direct.json', cluster.url, cluster.certificates.ca, {
      token: cluster.adminToken,
      as: CLUSTER_USER,
    })
    const own = Object.values(kubectls())[0] ?? 'kubectl'
    const asked = (
      config: string,
      args: readonly string[],
      { program, env, ...more }: KubectlOptions,
    ) =>
      run(program ?? own, args, {
        ...more,
        env: { KUBECONFIG: config, HOME: join(folder, 'home'), ...env },
      })
    const stage: ClusterStage = {
      cluster,
      gateway,
      issuer,
      folder,
      directKubeconfig,
      token,
      async kubeconfig(client = 'order-bot') {
        const server = `https://127.0.0.1:${gateway.port}/cluster`
        return write(`${client}.json`, server, gateway.ca, { token: await token(client) })
      },
      async kubectl(args, given = {}) {
        return asked(await stage.kubeconfig(given.client), args, given)
      },
      async start(args, { program = own, client, env: more } = {}) {
        const config = { KUBECONFIG: await stage.kubeconfig(client), HOME: folder }
        const env = cleanEnvironment({ ...config, ...more })
        const child = spawn(program, args, { env, stdio: ['ignore', 'pipe', 'pipe'] })
        let said = ''
        for (const stream of [child.stdout, child.stderr])
          stream.on('data', piece => {
            said += String(piece)
          })
        const end = () => child.kill('SIGKILL')
        stops.push(end)
        const ended = new Promise<{ at: number }>(resolve =>
          child.once('close', () => resolve({ at: Date.now() })),
        )
        return { said: () => said, ended, stop: end }
      },
      direct: (args, given = {}) => asked(directKubeconfig, args, given),
      stop,
    }
    return stage
  } catch (error) {
    await stop()
    throw error
  }
}
