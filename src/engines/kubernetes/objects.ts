// What a request is about, as policies name it.
import { InvalidRequest, type TargetObject } from '#model'
import { leadsElsewhere } from './actions.ts'
import type { RequestInfo } from './request-info.ts'

/** Of Kubernetes' own, those that are in no namespace. */
const OF_THE_CLUSTER: ReadonlySet<string> = new Set(
  `apiservices.apiregistration.k8s.io certificatesigningrequests.certificates.k8s.io clusterrolebindings.rbac.authorization.k8s.io
  clusterroles.rbac.authorization.k8s.io componentstatuses csidrivers.storage.k8s.io csinodes.storage.k8s.io
  customresourcedefinitions.apiextensions.k8s.io flowschemas.flowcontrol.apiserver.k8s.io ingressclasses.networking.k8s.io
  mutatingwebhookconfigurations.admissionregistration.k8s.io namespaces nodes nodes.metrics.k8s.io persistentvolumes
  prioritylevelconfigurations.flowcontrol.apiserver.k8s.io priorityclasses.scheduling.k8s.io runtimeclasses.node.k8s.io
  storageclasses.storage.k8s.io validatingadmissionpolicies.admissionregistration.k8s.io
  validatingadmissionpolicybindings.admissionregistration.k8s.io validatingwebhookconfigurations.admissionregistration.k8s.io
  volumeattachments.storage.k8s.io`.split(/\s+/),
)

/** `pods`, `deployments.apps`. */
export function kindOf({ group, resource }: RequestInfo): string {
  return group === '' ? resource : `${resource}.${group}`
}

export function isOfTheCluster(info: RequestInfo): boolean {
  return OF_THE_CLUSTER.has(kindOf(info))
}

/** What the object is called: a proxy's has a scheme and a port around it. Throws InvalidRequest. */
export function nameOf(info: RequestInfo): ProxiedName {
  if (!leadsElsewhere(info) || info.name === '') return { name: info.name, port: '', scheme: '' }
  // SplitSchemeNamePort of k8s.io/apimachinery: NAME, NAME:PORT, SCHEME:NAME:PORT.
  const parts = info.name.split(':')
  const [scheme, name, port] =
    parts.length === 3 ? parts : ['', parts[0], parts.length === 2 ? parts[1] : '']
  if (parts.length > 3 || !name || !/^(?:https?)?$/.test(scheme!))
    throw new InvalidRequest(
      'statement_unreadable',
      'what a proxy leads to is NAME, NAME:PORT or SCHEME:NAME:PORT',
    )
  return { name, port: port!, scheme: scheme! }
}

export interface ProxiedName {
  readonly name: string
  readonly port: string
  readonly scheme: string
}

/** `name`: as the body says it, where the URL does not. */
export function objectOf(info: RequestInfo, name: string): TargetObject {
  if (!info.isResource) return { name: info.path || '/', kind: 'url' }
  const kind = kindOf(info)
  // A namespace is in none, whatever the rules of the URL make of it.
  const namespace = info.resource === 'namespaces' && info.group === '' ? '' : info.namespace
  // Without a namespace a name is one of the cluster's objects, or a choice among those of all namespaces: the whole is meant.
  const chosen = info.parts[1] === undefined && namespace === '' && !isOfTheCluster(info)
  const said = chosen && info.verb !== 'create' ? '' : name
  return { name: [kind, namespace, said].filter(part => part !== '').join('/'), kind }
}
