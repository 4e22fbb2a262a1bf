// Kubernetes: a list of 10,000 pods of a cluster itself and through the gateway, as one answer and as kubectl asks for it.
// The cluster is the tests' stand-in, or a real API server when KUBE_APISERVER and ETCD name programs.
import { type ClusterStage, kubectls, startClusterStage } from '../test/e2e/kubernetes-stage.ts'
import { run } from '../test/servers/programs.ts'
import { compare } from './compare.ts'
import { type CaseResult, interleave, residentBytes, type Sample, type Target } from './method.ts'
import type { Line } from './report.ts'

const PODS = 10_000
/** Of direct access: at most 15 % is added to the time. */
const FLOOR = 1 / 1.15

export const kubernetesCases = {
  list: { name: 'kubernetes list of 10,000 pods', floor: FLOOR },
  kubectl: { name: 'kubernetes kubectl get pods, 10,000', floor: FLOOR },
  hidden: { name: 'kubernetes list, one key hidden', floor: undefined },
  memory: { name: 'kubernetes memory, lists', floor: undefined },
} as const

// By verb and namespace, so that no decision is settled before the request is there.
const POLICY = `
@id("bench-connects")
permit (principal is Agent, action == Action::"connect", resource);
@id("bench-reads")
permit (principal is Agent, action == Action::"read", resource) when { context.category == "list" || context.category == "get" };
@id("bench-closed")
forbid (principal, action == Action::"read", resource) when { context.fields.hasTag("namespace") && context.fields.getTag("namespace").contains("closed") };
`
const SEES_ALL = `
@id("bench-sees-all")
permit (principal is Agent, action == Action::"reveal", resource);
`

export interface KubernetesBench {
  readonly rounds: number
  readonly wanted: (name: string) => boolean
}

/** Measures the cases that are wanted and gives a line of each as it is there. */
export async function* kubernetesLines(
  { rounds, wanted }: KubernetesBench,
  raw: CaseResult[],
): AsyncGenerator<Line> {
  const { list, kubectl, hidden, memory } = kubernetesCases
  const dataClasses = { person: { keys: ['person'], mask: 'redact' } }
  const stage = await startClusterStage({
    alone: true,
    dataClasses,
    policies: { 'bench.cedar': POLICY + SEES_ALL },
  })
  try {
    await makePods(stage)
    const token = await stage.token()
    const target = (name: string, port: number, pids: readonly number[]): Target => ({
      name,
      port,
      pids,
      database: '',
      user: '',
      password: '',
    })
    const port = Number(new URL(stage.cluster.url).port)
    const direct = target('direct', port, [])
    const all = [
      direct,
      { ...direct, name: 'direct again' },
      target('sallyport', stage.gateway.port, [stage.gateway.pid]),
    ]
    const measure = async (
      { name, floor }: { readonly name: string; readonly floor: number | undefined },
      once: (target: Target) => Promise<Sample>,
    ): Promise<Line> => {
      // Once before the rounds that count: what starts is still compiling.
      for (const each of all) await once(each)
      const result = await interleave(name, 'lists/s', all, rounds, once)
      raw.push(result)
      return compare(result, 'direct', floor)
    }
    const asked = (each: Target, query = '') => listed(stage, each, token, query)
    if (wanted(list.name)) yield await measure(list, each => asked(each))
    if (wanted(kubectl.name)) yield await measure(kubectl, each => getPods(stage, each))
    if (wanted(memory.name)) yield await grown(memory.name, all[2] as Target, asked)
    if (wanted(hidden.name)) {
      stage.gateway.writePolicies({ 'bench.cedar': POLICY })
      await new Promise(resolve => setTimeout(resolve, 3000))
      yield await measure(hidden, each => asked(each))
    }
  } finally {
    await stage.stop()
  }
}

/** Pods as clusters have them: some 4 kB each, with fields that are managed. */
async function makePods({ cluster }: ClusterStage): Promise<void> {
  const made = (at: number) => ({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: `web-${at}`,
      namespace: 'default',
      labels: { app: 'web', 'pod-template-hash': '71bfb3e07', tier: `t${at % 7}` },
      annotations: { 'example.com/checksum': 'c0ffee'.repeat(10), note: `pod number ${at}` },
    },
    spec: {
      nodeName: 'n1',
      containers: ['web', 'side', 'log'].map(name => ({
        name,
        image: `registry.example/${name}:1.2.3`,
        command: ['/bin/server', '--port=8080', '--config=/etc/server/config.yaml'],
        env: Array.from({ length: 8 }, (_, i) => ({ name: `SETTING_${i}`, value: `value ${i}` })),
        resources: { requests: { cpu: '100m', memory: '128Mi' } },
        ports: [{ containerPort: 8080, protocol: 'TCP' }],
      })),
    },
  })
  for (let at = 0; at < PODS; at += 50)
    await Promise.all(
      Array.from({ length: 50 }, (_, i) =>
        cluster.ask('POST', '/api/v1/namespaces/default/pods', made(at + i)),
      ),
    )
}

async function listed(
  stage: ClusterStage,
  target: Target,
  token: string,
  query: string,
): Promise<Sample> {
  const through = target.name === 'sallyport'
  const { adminToken, certificates } = stage.cluster
  const path = `${through ? '/cluster' : ''}/api/v1/pods${query}`
  const said = '%{time_total} %{size_download} %{http_code}'
  const args = ['-s', '-o', '/dev/null', '-w', said, '--cacert']
  args.push(through ? stage.gateway.ca : certificates.ca)
  args.push('-H', `Authorization: Bearer ${through ? token : adminToken}`)
  const url = `https://127.0.0.1:${target.port}${path}`
  const { stdout } = await run('curl', [...args, url], { timeoutMs: 120_000 })
  const [seconds = 0, bytes = 0, status] = stdout.split(' ').map(Number)
  if (status !== 200 || (query === '' && bytes < PODS * 2000)) throw new Error(stdout)
  return { rate: 1 / seconds, operations: 1 }
}

async function getPods(stage: ClusterStage, target: Target): Promise<Sample> {
  const program = Object.values(kubectls()).at(-1) ?? 'kubectl'
  const begun = performance.now()
  const ask = target.name === 'sallyport' ? stage.kubectl : stage.direct
  const said = await ask(['get', 'pods', '--no-headers'], { program, timeoutMs: 120_000 })
  const seconds = (performance.now() - begun) / 1000
  if (said.stdout.trim().split('\n').length !== PODS) throw new Error(said.stderr)
  return { rate: 1 / seconds, operations: 1 }
}

/** How much more memory ten lists of all pods take, at the most, than ten of the first thousand. */
async function grown(
  name: string,
  target: Target,
  asked: (target: Target, query?: string) => Promise<Sample>,
): Promise<Line> {
  const most = async (query: string) => {
    let peak = 0
    const timer = setInterval(() => {
      peak = Math.max(peak, residentBytes(target.pids))
    }, 20)
    for (let at = 0; at < 10; at += 1) await asked(target, query)
    clearInterval(timer)
    return peak
  }
  for (let at = 0; at < 3; at += 1) await asked(target)
  const few = await most('?limit=1000')
  const many = await most('')
  const more = (many - few) / 1e6
  return {
    name,
    what: '10,000 over 1,000 pods',
    value: `${more.toFixed(0)} MB`,
    floor: '64 MB',
    holds: more < 64,
    note: `at most ${(many / 1e6).toFixed(0)} MB resident`,
  }
}
