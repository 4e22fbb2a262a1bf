// The fields of the served kinds, so that a client can explain them and an unknown field is found.
// `name` is a string, `name#` a number, `name?` a boolean, `name{}` a map of strings, `name*` anything; `name:Type` a
// schema of this list, `name[]` and `name[]:Type` lists; `!` marks what is required.
import { isObject, type Json } from './objects.ts'
import { apiVersionOf, type ResourceType } from './types.ts'

const LISTS: Readonly<Record<string, string>> = {
  ObjectMeta:
    'name generateName namespace uid resourceVersion selfLink generation# creationTimestamp deletionTimestamp deletionGracePeriodSeconds# labels{} annotations{} ownerReferences[]:OwnerReference finalizers[] managedFields[]:Any',
  OwnerReference: 'apiVersion! kind! name! uid! controller? blockOwnerDeletion?',
  LabelSelector: 'matchLabels{} matchExpressions[]:Any',
  PodTemplateSpec: 'metadata:ObjectMeta spec:PodSpec',
  PodSpec:
    'containers[]:Container! initContainers[]:Container ephemeralContainers[]:EphemeralContainer volumes[]:Volume restartPolicy terminationGracePeriodSeconds# activeDeadlineSeconds# dnsPolicy nodeSelector{} serviceAccountName serviceAccount automountServiceAccountToken? nodeName hostNetwork? hostPID? hostIPC? shareProcessNamespace? securityContext* imagePullSecrets[]:Any hostname subdomain affinity* schedulerName tolerations[]:Any hostAliases[]:Any priorityClassName priority# dnsConfig* readinessGates[]:Any runtimeClassName enableServiceLinks? preemptionPolicy overhead* topologySpreadConstraints[]:Any setHostnameAsFQDN? os* hostUsers? schedulingGates[]:Any resourceClaims[]:Any resources*',
  Container:
    'name! image command[] args[] workingDir ports[]:ContainerPort envFrom[]:Any env[]:EnvVar resources* resizePolicy[]:Any restartPolicy volumeMounts[]:VolumeMount volumeDevices[]:Any livenessProbe* readinessProbe* startupProbe* lifecycle* terminationMessagePath terminationMessagePolicy imagePullPolicy securityContext* stdin? stdinOnce? tty?',
  EphemeralContainer:
    'name! image command[] args[] workingDir env[]:EnvVar envFrom[]:Any resources* volumeMounts[]:VolumeMount terminationMessagePath terminationMessagePolicy imagePullPolicy securityContext* stdin? stdinOnce? tty? targetContainerName',
  ContainerPort: 'name hostPort# containerPort#! protocol hostIP',
  EnvVar: 'name! value valueFrom*',
  VolumeMount: 'name! readOnly? recursiveReadOnly mountPath! subPath mountPropagation subPathExpr',
  Volume:
    'name! hostPath* emptyDir* secret* configMap* projected* persistentVolumeClaim* downwardAPI* csi* nfs* ephemeral* image*',
  DeploymentSpec:
    'replicas# selector:LabelSelector! template:PodTemplateSpec! strategy* minReadySeconds# revisionHistoryLimit# paused? progressDeadlineSeconds#',
  ReplicaSetSpec: 'replicas# minReadySeconds# selector:LabelSelector! template:PodTemplateSpec',
  ServicePort: 'name protocol appProtocol port#! targetPort* nodePort#',
  ServiceSpec:
    'ports[]:ServicePort selector{} clusterIP clusterIPs[] type externalIPs[] sessionAffinity sessionAffinityConfig* loadBalancerIP externalName externalTrafficPolicy publishNotReadyAddresses? ipFamilies[] ipFamilyPolicy internalTrafficPolicy',
}

/** What stands beside `apiVersion`, `kind` and `metadata`; anything where nothing is said. */
const KINDS: Readonly<Record<string, string>> = {
  Pod: 'spec:PodSpec status*',
  Deployment: 'spec:DeploymentSpec status*',
  ReplicaSet: 'spec:ReplicaSetSpec status*',
  Service: 'spec:ServiceSpec status*',
  ConfigMap: 'data{} binaryData{} immutable?',
  Secret: 'data{} stringData{} type immutable?',
  Namespace: 'spec* status*',
  ServiceAccount: 'secrets[]:Any imagePullSecrets[]:Any automountServiceAccountToken?',
}

const ref = (name: string) => ({ $ref: name })

function property(said: string): readonly [string, Json, boolean] {
  const found = /^(\w+?)(\[\])?(#|\?|\{\}|\*)?(?::(\w+))?(!)?$/.exec(said)
  if (!found) throw new Error(said)
  const [, name = '', list, mark = '', of, required] = found
  const plain: Json =
    of === 'Any' || mark === '*'
      ? { type: 'object' }
      : of !== undefined
        ? ref(of)
        : mark === '{}'
          ? { type: 'object', additionalProperties: { type: 'string' } }
          : { type: mark === '#' ? 'integer' : mark === '?' ? 'boolean' : 'string' }
  // A target port is a number or a name.
  if (name === 'targetPort') plain['format'] = 'int-or-string'
  const whole = list === undefined ? plain : { type: 'array', items: plain }
  const documented = whole['$ref'] === undefined ? { description: `The ${name}.`, ...whole } : whole
  return [name, documented, required !== undefined]
}

function objectSchema(description: string, fields: string): Json {
  const all = fields.split(' ').map(property)
  const required = all.filter(([, , must]) => must).map(([name]) => name)
  return {
    type: 'object',
    description,
    properties: Object.fromEntries(all.map(([name, schema]) => [name, schema])),
    ...(required.length === 0 ? {} : { required }),
  }
}

/** Schemas by name: those of the kinds are `GROUP.VERSION.KIND`. */
export function schemasOf(types: readonly ResourceType[]): Record<string, Json> {
  const all: Record<string, Json> = {}
  for (const [name, fields] of Object.entries(LISTS))
    all[name] = objectSchema(`${name} is a part of other kinds.`, fields)
  for (const type of types) {
    const known = KINDS[type.kind]
    const whole = objectSchema(
      `${type.kind} is a kind of the stand-in.`,
      `apiVersion kind metadata:ObjectMeta${known === undefined ? '' : ` ${known}`}`,
    )
    if (known === undefined) whole['x-kubernetes-preserve-unknown-fields'] = true
    whole['x-kubernetes-group-version-kind'] = [
      { group: type.group, version: type.version, kind: type.kind },
    ]
    all[schemaName(type)] = whole
  }
  return all
}

export const schemaName = (type: ResourceType) =>
  `${apiVersionOf(type).replaceAll('/', '.')}.${type.kind}`

/** Fields that the schema does not know, as paths. */
export function unknownFields(type: ResourceType, body: unknown): string[] {
  const all = schemasOf([type])
  const found: string[] = []
  const walk = (value: unknown, schema: Json | undefined, path: string): void => {
    if (schema === undefined) return
    if (typeof schema['$ref'] === 'string') schema = all[schema['$ref']] ?? {}
    const { items: each } = schema
    if (Array.isArray(value)) {
      value.forEach((one, at) => {
        walk(one, each as Json | undefined, `${path}[${at}]`)
      })
      return
    }
    const properties = schema['properties'] as Readonly<Record<string, Json>> | undefined
    if (!isObject(value) || properties === undefined) return
    for (const [name, own] of Object.entries(value)) {
      const at = path === '' ? name : `${path}.${name}`
      if (properties[name] !== undefined) walk(own, properties[name], at)
      else if (schema['x-kubernetes-preserve-unknown-fields'] !== true) found.push(at)
    }
  }
  walk(body, all[schemaName(type)], '')
  return found
}
