// The kinds that the stand-in serves: enough of Kubernetes 1.32 for kubectl, helm and the client libraries.
import { items, type Json, type KubeObject, text } from './objects.ts'

export interface Column {
  readonly name: string
  readonly type?: 'string' | 'integer'
  /** 0 is shown always, 1 with `-o wide`. */
  readonly priority?: number
  cell(object: KubeObject): unknown
}

export interface ResourceType {
  readonly group: string
  readonly version: string
  readonly resource: string
  readonly kind: string
  readonly singular: string
  readonly short: readonly string[]
  readonly namespaced: boolean
  /** Name to what it answers with: `group/version/Kind`. */
  readonly subresources: Readonly<Record<string, string>>
  readonly categories?: readonly string[]
  readonly columns: readonly Column[]
  /** Verbs, when they are not all of them. */
  readonly verbs?: readonly string[]
}

export const ALL_VERBS = [
  'create',
  'delete',
  'deletecollection',
  'get',
  'list',
  'patch',
  'update',
  'watch',
] as const

const count = (object: KubeObject, ...path: string[]) => Number(text(object, ...path) || 0)
const nameOf: Column = { name: 'Name', cell: object => object.metadata.name }
const age: Column = { name: 'Age', cell: object => ageOf(object.metadata.creationTimestamp) }

function ageOf(created: string | undefined): string {
  if (created === undefined) return '<unknown>'
  const seconds = Math.max(0, Math.floor((Date.now() - Date.parse(created)) / 1000))
  return seconds < 120 ? `${seconds}s` : `${Math.floor(seconds / 60)}m`
}

const images = (object: KubeObject) =>
  items(object, 'spec', 'template', 'spec', 'containers').map(one => text(one, 'image'))
const selector = (object: KubeObject) =>
  Object.entries((object['spec'] as Json | undefined)?.['selector'] ?? {})
    .map(([key, value]) => `${key}=${String(value)}`)
    .join(',') || '<none>'

const podColumns: readonly Column[] = [
  nameOf,
  {
    name: 'Ready',
    cell: pod => {
      const ready = items(pod, 'status', 'containerStatuses').filter(
        one => text(one, 'ready') === 'true',
      )
      return `${ready.length}/${items(pod, 'spec', 'containers').length}`
    },
  },
  { name: 'Status', cell: pod => text(pod, 'status', 'phase') },
  { name: 'Restarts', cell: () => '0' },
  age,
  { name: 'IP', priority: 1, cell: pod => text(pod, 'status', 'podIP') || '<none>' },
  { name: 'Node', priority: 1, cell: pod => text(pod, 'spec', 'nodeName') || '<none>' },
]

const deploymentColumns: readonly Column[] = [
  nameOf,
  {
    name: 'Ready',
    cell: one => `${count(one, 'status', 'readyReplicas')}/${count(one, 'spec', 'replicas')}`,
  },
  { name: 'Up-to-date', type: 'integer', cell: one => count(one, 'status', 'updatedReplicas') },
  { name: 'Available', type: 'integer', cell: one => count(one, 'status', 'availableReplicas') },
  age,
  { name: 'Images', priority: 1, cell: one => images(one).join(',') },
]

type Given = Partial<Omit<ResourceType, 'group' | 'version' | 'resource' | 'kind'>>

function type(
  groupVersion: string,
  resource: string,
  kind: string,
  more: Given = {},
): ResourceType {
  const [group = '', version = ''] = groupVersion.includes('/')
    ? groupVersion.split('/')
    : ['', groupVersion]
  return {
    group,
    version,
    resource,
    kind,
    singular: kind.toLowerCase(),
    short: [],
    namespaced: true,
    subresources: {},
    columns: [nameOf, age],
    ...more,
  }
}

const scale = 'autoscaling/v1/Scale'
const rbac = 'rbac.authorization.k8s.io/v1'

export const TYPES: readonly ResourceType[] = [
  type('v1', 'namespaces', 'Namespace', {
    short: ['ns'],
    namespaced: false,
    subresources: { status: 'v1/Namespace', finalize: 'v1/Namespace' },
    columns: [nameOf, { name: 'Status', cell: one => text(one, 'status', 'phase') }, age],
  }),
  type('v1', 'nodes', 'Node', {
    short: ['no'],
    namespaced: false,
    subresources: { status: 'v1/Node', proxy: 'v1/NodeProxyOptions' },
    columns: [nameOf, { name: 'Status', cell: () => 'Ready' }, age],
  }),
  type('v1', 'pods', 'Pod', {
    short: ['po'],
    categories: ['all'],
    subresources: {
      attach: 'v1/PodAttachOptions',
      binding: 'v1/Binding',
      ephemeralcontainers: 'v1/Pod',
      eviction: 'policy/v1/Eviction',
      exec: 'v1/PodExecOptions',
      log: 'v1/Pod',
      portforward: 'v1/PodPortForwardOptions',
      proxy: 'v1/PodProxyOptions',
      status: 'v1/Pod',
    },
    columns: podColumns,
  }),
  type('v1', 'services', 'Service', {
    short: ['svc'],
    categories: ['all'],
    subresources: { proxy: 'v1/ServiceProxyOptions', status: 'v1/Service' },
    columns: [
      nameOf,
      { name: 'Type', cell: one => text(one, 'spec', 'type') },
      { name: 'Cluster-IP', cell: one => text(one, 'spec', 'clusterIP') },
      age,
      { name: 'Selector', priority: 1, cell: selector },
    ],
  }),
  type('v1', 'configmaps', 'ConfigMap', {
    short: ['cm'],
    columns: [
      nameOf,
      { name: 'Data', type: 'integer', cell: one => Object.keys(one['data'] ?? {}).length },
      age,
    ],
  }),
  type('v1', 'secrets', 'Secret', {
    columns: [
      nameOf,
      { name: 'Type', cell: one => text(one, 'type') },
      { name: 'Data', type: 'integer', cell: one => Object.keys(one['data'] ?? {}).length },
      age,
    ],
  }),
  type('v1', 'serviceaccounts', 'ServiceAccount', {
    short: ['sa'],
    subresources: { token: 'authentication.k8s.io/v1/TokenRequest' },
  }),
  type('v1', 'events', 'Event', {
    short: ['ev'],
    columns: [
      nameOf,
      { name: 'Reason', cell: one => text(one, 'reason') },
      { name: 'Message', cell: one => text(one, 'message') },
    ],
  }),
  type('v1', 'endpoints', 'Endpoints', { short: ['ep'] }),
  type('v1', 'limitranges', 'LimitRange', { short: ['limits'] }),
  type('v1', 'resourcequotas', 'ResourceQuota', { short: ['quota'] }),
  type('v1', 'persistentvolumeclaims', 'PersistentVolumeClaim', { short: ['pvc'] }),
  type('v1', 'replicationcontrollers', 'ReplicationController', {
    short: ['rc'],
    categories: ['all'],
    subresources: { scale, status: 'v1/ReplicationController' },
  }),
  type('apps/v1', 'deployments', 'Deployment', {
    short: ['deploy'],
    categories: ['all'],
    subresources: { scale, status: 'apps/v1/Deployment' },
    columns: deploymentColumns,
  }),
  type('apps/v1', 'replicasets', 'ReplicaSet', {
    short: ['rs'],
    categories: ['all'],
    subresources: { scale, status: 'apps/v1/ReplicaSet' },
  }),
  type('apps/v1', 'statefulsets', 'StatefulSet', {
    short: ['sts'],
    categories: ['all'],
    subresources: { scale, status: 'apps/v1/StatefulSet' },
  }),
  type('apps/v1', 'daemonsets', 'DaemonSet', {
    short: ['ds'],
    categories: ['all'],
    subresources: { status: 'apps/v1/DaemonSet' },
  }),
  type('apps/v1', 'controllerrevisions', 'ControllerRevision'),
  type('batch/v1', 'jobs', 'Job', {
    categories: ['all'],
    subresources: { status: 'batch/v1/Job' },
  }),
  type('policy/v1', 'poddisruptionbudgets', 'PodDisruptionBudget', { short: ['pdb'] }),
  type('coordination.k8s.io/v1', 'leases', 'Lease'),
  type(rbac, 'roles', 'Role'),
  type(rbac, 'rolebindings', 'RoleBinding'),
  type(rbac, 'clusterroles', 'ClusterRole', { namespaced: false }),
  type(rbac, 'clusterrolebindings', 'ClusterRoleBinding', { namespaced: false }),
  type(
    'admissionregistration.k8s.io/v1',
    'validatingwebhookconfigurations',
    'ValidatingWebhookConfiguration',
    {
      namespaced: false,
    },
  ),
  type('certificates.k8s.io/v1', 'certificatesigningrequests', 'CertificateSigningRequest', {
    short: ['csr'],
    namespaced: false,
    subresources: {
      approval: 'certificates.k8s.io/v1/CertificateSigningRequest',
      status: 'certificates.k8s.io/v1/CertificateSigningRequest',
    },
  }),
  type('apiextensions.k8s.io/v1', 'customresourcedefinitions', 'CustomResourceDefinition', {
    short: ['crd', 'crds'],
    namespaced: false,
    subresources: { status: 'apiextensions.k8s.io/v1/CustomResourceDefinition' },
  }),
  ...[
    ['selfsubjectaccessreviews', 'SelfSubjectAccessReview'],
    ['selfsubjectrulesreviews', 'SelfSubjectRulesReview'],
    ['subjectaccessreviews', 'SubjectAccessReview'],
  ].map(([resource = '', kind = '']) =>
    type('authorization.k8s.io/v1', resource, kind, { namespaced: false, verbs: ['create'] }),
  ),
  type('authentication.k8s.io/v1', 'selfsubjectreviews', 'SelfSubjectReview', {
    namespaced: false,
    verbs: ['create'],
  }),
]

/** The types that a definition of custom resources brings. */
export function customTypes(definition: KubeObject): ResourceType[] {
  const spec = definition['spec'] as Json
  return items(spec, 'versions')
    .filter(version => text(version, 'served') === 'true')
    .map(version => {
      const subresources: Record<string, string> = {}
      const own = `${text(spec, 'group')}/${text(version, 'name')}/${text(spec, 'names', 'kind')}`
      if (version && (version as Json)['subresources']) subresources['status'] = own
      return type(
        `${text(spec, 'group')}/${text(version, 'name')}`,
        text(spec, 'names', 'plural'),
        text(spec, 'names', 'kind'),
        {
          singular: text(spec, 'names', 'singular') || text(spec, 'names', 'kind').toLowerCase(),
          short: items(spec, 'names', 'shortNames').map(String),
          namespaced: text(spec, 'scope') === 'Namespaced',
          subresources,
        },
      )
    })
}

export const apiVersionOf = (type: Pick<ResourceType, 'group' | 'version'>) =>
  type.group === '' ? type.version : `${type.group}/${type.version}`

/** `pods`, `deployments.apps`: how errors and policies name a kind. */
export const groupResource = (type: Pick<ResourceType, 'group' | 'resource'>) =>
  type.group === '' ? type.resource : `${type.resource}.${type.group}`
