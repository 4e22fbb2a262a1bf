// What the tables of an API server show of objects' fields: their cells have no names, and what is hidden by the name of its field stands
// in them as it is. Of its own kinds the columns are known (pkg/printers/internalversion of Kubernetes); of others nobody knows them.
import { hidingNames } from '#engines/bodies'
import { parsePointer } from '#engines/json'
import type { DataClass } from '#model'
import { type AskedObjects, hasOwnColumns } from './rules.ts'

/** Fields that are, or are a part of, some column of some kind. */
const SHOWN: readonly string[] =
  `name namespace creationTimestamp generateName uid metadata spec status data type phase reason
  message ready restartCount readinessGates conditions podIP podIPs ip ips hostIP hostIPs hostname nodeName nominatedNodeName
  containers image images taints unschedulable kubeletVersion addresses address osImage kernelVersion containerRuntimeVersion
  nodeInfo clusterIP clusterIPs externalIPs externalName loadBalancer loadBalancerIP ingress ports port nodePort protocol selector
  labels matchLabels matchExpressions replicas readyReplicas availableReplicas updatedReplicas ingressClassName host hosts rules
  addressType endpoints subsets capacity storage accessModes persistentVolumeReclaimPolicy claimRef storageClassName
  volumeAttributesClassName volumeMode volumeName lastTimestamp firstTimestamp eventTime series count involvedObject regarding kind
  fieldPath source component reportingController reportingComponent reportingInstance completions parallelism startTime
  completionTime succeeded schedule timeZone suspend active lastScheduleTime scaleTargetRef metrics minReplicas maxReplicas
  currentReplicas secrets subjects roleRef signerName username expirationSeconds certificate holderIdentity provisioner
  reclaimPolicy volumeBindingMode allowVolumeExpansion value globalDefault handler attachRequired podInfoOnMount
  storageCapacity tokenRequests requiresRepublish volumeLifecycleModes revision ownerReferences controller hard used
  limits requests service priorityLevelConfiguration matchingPrecedence distinguisherMethod webhooks minAvailable
  maxUnavailable disruptionsAllowed currentMetrics attacher attached drivers parentRef cidrs
  policyName paramRef paramKind validations nodeSelector template owner request`.split(/\s+/)
/** A column of theirs has labels in it, or names and values of whatever is chosen by: `app=web,owner=ann`. */
const SELECTORS: ReadonlySet<string> = new Set(
  `services replicationcontrollers podtemplates deployments.apps replicasets.apps daemonsets.apps statefulsets.apps
  controllerrevisions.apps jobs.batch cronjobs.batch networkpolicies.networking.k8s.io nodes resourcequotas`.split(
    /\s+/,
  ),
)

type Fields = Pick<DataClass, 'keys' | 'pointers'>

/** Undefined: nothing is hidden by the name of its field. Else: whether tables of that kind show nothing that is. */
export function tableRule(
  classes: readonly Fields[],
): ((asked: Pick<AskedObjects, 'resource' | 'group'>) => boolean) | undefined {
  const named = classes.filter(({ keys = [], pointers = [] }) => keys.length + pointers.length > 0)
  if (named.length === 0) return undefined
  const last = named.flatMap(({ pointers = [] }) =>
    pointers.map(each => parsePointer(each)?.at(-1) ?? '*'),
  )
  const hides = hidingNames([...named.flatMap(({ keys = [] }) => keys), ...last])
  const shown = SHOWN.some(hides)
  return asked => {
    const { resource, group } = asked
    if (shown || hasOwnColumns(asked)) return false
    return !SELECTORS.has(group === '' ? resource : `${resource}.${group}`)
  }
}
