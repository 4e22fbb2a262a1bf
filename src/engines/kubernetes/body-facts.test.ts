import { describe, expect, it } from 'vitest'
import { InvalidRequest } from '#model'
import { readRequest } from './statement.ts'

const MERGE = 'application/strategic-merge-patch+json'
const STEPS = 'application/json-patch+json'

/** What policies may ask, besides parts of the URL. */
function facts(line: string, body: unknown, type?: string): Record<string, readonly string[]> {
  const [, method = '', path = '', query] = /^(\S+) ([^?]*)(?:\?(.*))?$/.exec(line) ?? []
  const bytes = Buffer.from(JSON.stringify(body))
  const { statement } = readRequest({ method, path, query, type, body: { kind: 'whole', bytes } })
  return Object.fromEntries([...statement.named!.texts].filter(([name]) => !/^[{?]/.test(name)))
}

const spec = {
  serviceAccountName: 'builder',
  hostNetwork: true,
  hostPID: true,
  hostIPC: false,
  initContainers: [{ image: 'init:1' }],
  containers: [
    {
      image: 'web:1',
      ports: [{ hostPort: 80 }],
      env: [{ name: 'P', valueFrom: { secretKeyRef: { name: 'env', key: 'p' } } }],
      envFrom: [{ secretRef: { name: 'all' } }],
      securityContext: {
        privileged: true,
        allowPrivilegeEscalation: true,
        runAsUser: 0,
        procMount: 'Unmasked',
        capabilities: { add: ['NET_ADMIN', 'SYS_TIME'], drop: ['ALL'] },
        windowsOptions: { hostProcess: true },
      },
    },
  ],
  ephemeralContainers: [{ image: 'debug:1' }],
  imagePullSecrets: [{ name: 'registry' }],
  volumes: [
    { hostPath: { path: '/', type: 'Directory' } },
    { secret: { secretName: 'db' } },
    { projected: { sources: [{ secret: { name: 'projected' } }] } },
    { csi: { nodePublishSecretRef: { name: 'csi' } } },
    { image: { reference: 'volume:1' } },
  ],
}
const found = {
  allowPrivilegeEscalation: ['true'],
  capabilities: ['NET_ADMIN', 'SYS_TIME'],
  hostIPC: ['false'],
  hostNetwork: ['true'],
  hostPID: ['true'],
  hostPath: ['/'],
  hostPort: ['80'],
  hostProcess: ['true'],
  images: ['init:1', 'web:1', 'debug:1', 'volume:1'],
  privileged: ['true'],
  procMount: ['Unmasked'],
  runAsUser: ['0'],
  secrets: ['env', 'all', 'registry', 'db', 'projected', 'csi'],
  serviceAccountName: ['builder'],
}
const POD = '/api/v1/namespaces/a/pods/web'
const metadata = { name: 'web' }

describe('what a body says of pods', () => {
  it('is found in a pod, in every workload, and in what only has the shape of one', () => {
    expect(facts('POST /api/v1/namespaces/a/pods', { spec })).toEqual(found)
    for (const kind of ['deployments', 'daemonsets', 'statefulsets', 'replicasets'])
      expect(
        facts(`POST /apis/apps/v1/namespaces/a/${kind}`, { spec: { template: { spec } } }),
      ).toEqual(found)
    expect(
      facts('POST /apis/batch/v1/namespaces/a/cronjobs', {
        spec: { jobTemplate: { spec: { template: { spec } } } },
      }),
    ).toEqual(found)
    expect(
      facts('POST /apis/batch/v1/namespaces/a/jobs', { spec: { template: { spec } } }),
    ).toEqual(found)
    expect(
      facts('POST /api/v1/namespaces/a/replicationcontrollers', { spec: { template: { spec } } }),
    ).toEqual(found)
    expect(facts('POST /api/v1/namespaces/a/podtemplates', { template: { spec } })).toEqual(found)
    expect(
      facts('POST /apis/argoproj.io/v1/namespaces/a/rollouts', { any: [{ thing: { spec } }] }),
    ).toEqual(found)
    expect(facts(`PUT ${POD}`, { metadata, spec })).toEqual(found)
  })

  it('is found in patches of every sort', () => {
    expect(facts(`PATCH ${POD}`, { spec }, MERGE)).toEqual(found)
    expect(facts(`PATCH ${POD}`, { spec }, 'application/merge-patch+json')).toEqual(found)
    expect(facts(`PATCH ${POD}`, { spec }, 'application/apply-patch+yaml')).toEqual(found)
    expect(facts(`PATCH ${POD}`, [{ op: 'replace', path: '/spec', value: spec }], STEPS)).toEqual(
      found,
    )
    expect(facts(`PATCH ${POD}`, [{ op: 'add', path: '', value: { spec } }], STEPS)).toEqual(found)
    expect(facts(`PATCH ${POD}/ephemeralcontainers`, { spec }, MERGE)).toEqual(found)
  })

  it('is found where a step sets nothing else', () => {
    const step = (path: string, value: unknown) =>
      facts(`PATCH ${POD}`, [{ op: 'add', path, value }], STEPS)
    expect(step('/spec/containers/0/securityContext/privileged', true)).toEqual({
      privileged: ['true'],
    })
    expect(step('/spec/containers/-', { image: 'x' })).toEqual({ images: ['x'] })
    expect(step('/spec/containers/0/image', 'x')).toEqual({ images: ['x'] })
    expect(step('/spec/volumes/0/hostPath/path', '/etc')).toEqual({ hostPath: ['/etc'] })
    expect(step('/spec/containers/0/securityContext/capabilities/add/-', 'ALL')).toEqual({
      capabilities: ['ALL'],
    })
    expect(step('/spec/replicas', 3)).toEqual({ replicas: ['3'] })
    expect(step('/metadata/labels/a~1b', 'c')).toEqual({ labels: ['a/b=c'] })
  })

  it('is found under a name in another case, and as another type', () => {
    expect(
      facts(`PATCH ${POD}`, { spec: { HoſtNetwork: 'true', Containers: [{ Image: 'x' }] } }, MERGE),
    ).toEqual({
      hostNetwork: ['true'],
      images: ['x'],
    })
  })

  it('is no word of a ConfigMap', () => {
    const data = { image: 'x', privileged: 'true' }
    expect(
      facts('POST /api/v1/namespaces/a/configmaps', { metadata: { labels: { a: 'b' } }, data }),
    ).toEqual({
      labels: ['a=b'],
    })
    expect(
      facts(
        'PATCH /api/v1/namespaces/a/configmaps/x',
        [{ op: 'add', path: '/data/image', value: 'x' }],
        STEPS,
      ),
    ).toEqual({})
  })

  it('is refused where a patch copies it from elsewhere, or goes by no path', () => {
    for (const step of [
      {
        op: 'copy',
        from: '/spec/containers/0/stdin',
        path: '/spec/containers/0/securityContext/privileged',
      },
      { op: 'move', from: '/metadata/annotations', path: '/spec' },
      { op: 'add', path: 'x/spec/replicas', value: 1 },
      { op: 'add', value: 1 },
      { op: 'Add', path: '/a', value: 1 },
      { path: '/a', value: 1 },
      'x',
    ])
      expect(() => facts(`PATCH ${POD}`, [step], STEPS)).toThrow(InvalidRequest)
  })

  it('is bounded', () => {
    const containers = Array.from({ length: 1_001 }, (_, index) => ({ image: `i${index}` }))
    expect(() => facts('POST /api/v1/namespaces/a/pods', { spec: { containers } })).toThrow('1000')
  })
})

describe('what a body says besides', () => {
  const scaled = (spec: string, type?: string) => {
    const bytes = Buffer.from(spec)
    const path = '/apis/example.com/v1/namespaces/a/things/web'
    const asked = {
      method: 'PATCH',
      path,
      query: undefined,
      body: { kind: 'whole' as const, bytes },
    }
    return readRequest({
      ...asked,
      type: type ?? 'application/merge-patch+json',
    }).statement.named?.numbers.get('replicas')
  }

  it('is one number, however it is written', () => {
    expect(scaled('{"spec":{"replicas":1e2}}')).toBe(100)
    expect(scaled('{"spec":{"replicas":100.0}}')).toBe(100)
    expect(scaled('{"spec":{"replicas":"100"}}')).toBe(100)
    expect(scaled('{"spec":{"replicas":1.5}}')).toBeUndefined()
    const step = (op: string, value: number) => ({ op, path: '/spec/replicas', value })
    const steps = (...all: object[]) => scaled(JSON.stringify(all), STEPS)
    expect(steps(step('test', 2), step('replace', 3))).toBe(3)
    expect(() => steps(step('replace', 1), step('replace', 100))).toThrow('two ways')
  })

  it('is how many, as a number', () => {
    const body = Buffer.from('{"metadata":{"name":"web"},"spec":{"replicas":0}}')
    const { statement } = readRequest({
      method: 'PUT',
      path: '/apis/apps/v1/namespaces/a/deployments/web/scale',
      query: undefined,
      type: undefined,
      body: { kind: 'whole', bytes: body },
    })
    expect(statement.named?.numbers.get('replicas')).toBe(0)
    expect(statement.operations[0]).toMatchObject({ action: 'write', verb: 'deployments/scale' })
  })

  it('is how something is deleted', () => {
    expect(
      facts(`DELETE ${POD}`, {
        propagationPolicy: 'Orphan',
        gracePeriodSeconds: 0,
        dryRun: ['All'],
      }),
    ).toEqual({
      propagationPolicy: ['Orphan'],
      gracePeriodSeconds: ['0'],
      dryRun: ['All'],
    })
    expect(facts(`POST ${POD}/eviction`, { deleteOptions: { gracePeriodSeconds: 0 } })).toEqual({
      gracePeriodSeconds: ['0'],
    })
    expect(() => facts(`DELETE ${POD}?dryRun=All`, { propagationPolicy: 'Orphan' })).toThrow(
      'look at the URL',
    )
  })

  it('is which rights are given to whom', () => {
    const rbac = '/apis/rbac.authorization.k8s.io/v1'
    expect(
      facts(`POST ${rbac}/clusterrolebindings`, {
        roleRef: {
          apiGroup: 'rbac.authorization.k8s.io',
          kind: 'ClusterRole',
          name: 'cluster-admin',
        },
        subjects: [
          { kind: 'User', name: 'eve' },
          { kind: 'ServiceAccount', namespace: 'a', name: 'b' },
        ],
      }),
    ).toEqual({
      roleRef: ['ClusterRole/cluster-admin'],
      subjects: ['User/eve', 'ServiceAccount/a/b'],
    })
    expect(
      facts(`POST ${rbac}/clusterroles`, {
        rules: [{ verbs: ['*'], apiGroups: [''], resources: ['pods/exec'] }],
      }),
    ).toEqual({ ruleVerbs: ['*'], ruleGroups: [''], ruleResources: ['pods/exec'] })
    expect(
      facts(
        `PATCH ${rbac}/clusterrolebindings/x`,
        [
          { op: 'add', path: '/subjects/-', value: { kind: 'User', name: 'eve' } },
          { op: 'replace', path: '/roleRef/name', value: 'admin' },
        ],
        STEPS,
      ),
    ).toEqual({ subjects: ['User/eve'], roleRef: ['admin'] })
  })
})

describe('a body and its URL', () => {
  const put = (body: object) => () => facts(`PUT ${POD}`, body)
  it('name one object', () => {
    expect(
      put({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'web', namespace: 'a' } }),
    ).not.toThrow()
    expect(put({ metadata: { name: 'other' } })).toThrow('name')
    expect(put({ metadata: { name: 'web', namespace: 'kube-system' } })).toThrow('namespace')
    expect(put({ apiVersion: 'apps/v1', metadata })).toThrow('apiVersion')
    expect(put({ kind: 'Secret', metadata })).toThrow('kind')
    expect(put({})).toThrow('no name')
    expect(() => facts(`PATCH ${POD}`, { metadata: { namespace: 'b' } }, MERGE)).toThrow(
      'namespace',
    )
    expect(() => facts('POST /api/v1/namespaces/a/pods', { metadata: { namespace: 'b' } })).toThrow(
      'namespace',
    )
    expect(() => facts('POST /api/v1/namespaces/a/pods', { kind: 'PodList' })).toThrow('kind')
    expect(() =>
      facts(`POST ${POD}/eviction`, { kind: 'Eviction', apiVersion: 'policy/v1', metadata }),
    ).not.toThrow()
    expect(() => facts(`POST ${POD}/eviction`, { metadata: { name: 'other' } })).toThrow('name')
    expect(() =>
      facts('PUT /api/v1/namespaces/a', { kind: 'Namespace', metadata: { name: 'a' } }),
    ).not.toThrow()
  })

  it('agree for every kind of Kubernetes', () => {
    for (const [path, kind] of [
      ['/api/v1/namespaces/a/endpoints', 'Endpoints'],
      ['/apis/networking.k8s.io/v1/namespaces/a/networkpolicies', 'NetworkPolicy'],
      ['/apis/networking.k8s.io/v1/namespaces/a/ingresses', 'Ingress'],
      ['/apis/networking.k8s.io/v1/ingressclasses', 'IngressClass'],
      ['/apis/storage.k8s.io/v1/storageclasses', 'StorageClass'],
      ['/apis/storage.k8s.io/v1/csidrivers', 'CSIDriver'],
      ['/apis/policy/v1/namespaces/a/poddisruptionbudgets', 'PodDisruptionBudget'],
      ['/apis/authorization.k8s.io/v1/selfsubjectaccessreviews', 'SelfSubjectAccessReview'],
      ['/apis/gateway.networking.k8s.io/v1/namespaces/a/gateways', 'Gateway'],
      ['/apis/apiregistration.k8s.io/v1/apiservices', 'APIService'],
      [
        '/apis/flowcontrol.apiserver.k8s.io/v1/prioritylevelconfigurations',
        'PriorityLevelConfiguration',
      ],
    ])
      expect(() => facts(`POST ${path}`, { kind }), kind).not.toThrow()
  })
})
