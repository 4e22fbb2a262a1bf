// Creating and changing objects: what the server fills in, what it refuses, dry runs, and who owns which field.
import { randomBytes, randomUUID } from 'node:crypto'
import { isObject, items, type Json, type KubeObject, text } from './objects.ts'
import { mergePatch, PATCH_TYPES, type PatchType, patched } from './patch.ts'
import { alreadyExists, conflict, invalid, notFound, StatusError } from './status.ts'
import type { Store } from './store.ts'
import { apiVersionOf, type ResourceType } from './types.ts'

export interface WriteOptions {
  readonly dryRun: boolean
  /** Of `fieldManager`, or the client's program. */
  readonly manager: string
  /** Server-side apply takes fields from another manager. */
  readonly force: boolean
}

export class Writes {
  readonly #store: Store

  constructor(store: Store) {
    this.#store = store
  }

  create(type: ResourceType, namespace: string | undefined, body: unknown, options: WriteOptions) {
    const object = checked(type, body)
    const { metadata } = object
    placed(type, object, namespace)
    if (!metadata.name && metadata.generateName)
      metadata.name = `${metadata.generateName}${randomBytes(8).toString('hex').slice(0, 5)}`
    if (!metadata.name)
      throw invalid(type, '', 'metadata.name', 'Required value: name or generateName is required')
    if (
      !/^[a-z0-9]([-a-z0-9.:]*[a-z0-9])?$/.test(metadata.name) &&
      type.group !== 'rbac.authorization.k8s.io'
    )
      throw invalid(
        type,
        metadata.name,
        'metadata.name',
        `Invalid value: "${metadata.name}": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters`,
      )
    if (this.#store.get(type, metadata.namespace ?? '', metadata.name))
      throw alreadyExists(type, metadata.name)
    metadata.uid = randomUUID()
    metadata.creationTimestamp = new Date().toISOString().replace(/\.\d+/, '')
    delete metadata.resourceVersion
    defaults(type, object)
    own(object, options.manager, 'Update')
    return this.#keep(type, object, options)
  }

  update(
    type: ResourceType,
    namespace: string | undefined,
    name: string,
    body: unknown,
    options: WriteOptions,
    part = '',
  ) {
    const before = this.require(type, namespace, name)
    const said = checked(type, body)
    placed(type, said, namespace)
    if (said.metadata.name !== name)
      throw new StatusError(
        400,
        `the name of the object (${said.metadata.name}) does not match the name on the URL (${name})`,
      )
    const version = said.metadata.resourceVersion
    if (version && version !== before.metadata.resourceVersion) throw conflict(type, name)
    return this.#keep(type, this.#merged(type, before, said, part, options), options)
  }

  patch(
    type: ResourceType,
    namespace: string | undefined,
    name: string,
    kind: string,
    body: unknown,
    options: WriteOptions,
    part = '',
  ) {
    if (!(kind in PATCH_TYPES))
      throw new StatusError(
        415,
        `the body of the request was in an unknown format - accepted media types include: ${Object.keys(PATCH_TYPES).join(', ')}`,
      )
    const before = this.#store.get(type, namespace ?? '', name)
    const apply = kind === 'application/apply-patch+yaml'
    if (before === undefined) {
      if (!apply) throw notFound(type, name)
      return { made: true, object: this.create(type, namespace, body, options) }
    }
    const after = patched(before, kind as PatchType, body)
    const version = text(body, 'metadata', 'resourceVersion')
    if (version !== '' && version !== before.metadata.resourceVersion) throw conflict(type, name)
    const merged = this.#merged(type, before, checked(type, after), part, options)
    if (apply) own(merged, options.manager, 'Apply')
    return { made: false, object: this.#keep(type, merged, options) }
  }

  require(type: ResourceType, namespace: string | undefined, name: string): KubeObject {
    const found = this.#store.get(type, namespace ?? '', name)
    if (found === undefined) throw notFound(type, name)
    return found
  }

  /** Status alone by `…/status`, all but status by the object itself. */
  #merged(
    type: ResourceType,
    before: KubeObject,
    said: KubeObject,
    part: string,
    options: WriteOptions,
  ): KubeObject {
    const after: KubeObject =
      part === 'status' ? { ...before, status: said['status'] } : { ...said }
    if (part !== 'status' && type.subresources['status'] !== undefined) {
      if (before['status'] === undefined) delete after['status']
      else after['status'] = before['status']
    }
    const { uid, creationTimestamp, generation, managedFields } = before.metadata
    after.metadata = { ...said.metadata }
    Object.assign(after.metadata, { uid, creationTimestamp, generation, managedFields })
    after.metadata.resourceVersion = String(before.metadata.resourceVersion)
    if (part !== 'status' && !same(before['spec'], after['spec']) && generation !== undefined)
      after.metadata.generation = generation + 1
    if (type.kind === 'Pod' && part === '') podStays(type, before, after)
    if (type.kind === 'Secret') keepText(after)
    if (!same(before, after)) own(after, options.manager, 'Update')
    return after
  }

  #keep(type: ResourceType, object: KubeObject, options: WriteOptions): KubeObject {
    const before = this.#store.get(type, object.metadata.namespace ?? '', object.metadata.name)
    // As the server: what changes nothing gets no new version.
    if (before !== undefined && same(bare(before), bare(object))) return before
    if (options.dryRun) return object
    return this.#store.put(type, object)
  }
}

const same = (a: unknown, b: unknown) => JSON.stringify(sorted(a)) === JSON.stringify(sorted(b))

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted)
  if (!isObject(value)) return value
  return Object.fromEntries(
    Object.keys(value)
      .sort()
      .map(key => [key, sorted(value[key])]),
  )
}

function bare(object: KubeObject): unknown {
  const { resourceVersion: _, managedFields: __, ...metadata } = object.metadata
  return { ...object, metadata }
}

function checked(type: ResourceType, body: unknown): KubeObject {
  if (!isObject(body)) throw new StatusError(400, 'the object provided is unrecognized')
  const object = structuredClone(body) as unknown as KubeObject
  object.apiVersion ??= apiVersionOf(type)
  object.kind ??= type.kind
  if (object.kind !== type.kind || object.apiVersion !== apiVersionOf(type))
    throw new StatusError(
      400,
      `${type.kind} in version "${type.version}" cannot be handled as a ${type.kind}: the API version in the data (${object.apiVersion}) and kind (${object.kind}) do not match the expected ones`,
    )
  object.metadata ??= { name: '' }
  return object
}

/** The URL says the namespace where the object does not. */
function placed(type: ResourceType, object: KubeObject, namespace: string | undefined): void {
  const { metadata } = object
  if (type.namespaced) metadata.namespace ||= namespace ?? 'default'
  if (namespace !== undefined && metadata.namespace !== namespace)
    throw new StatusError(
      400,
      'the namespace of the provided object does not match the namespace sent on the request',
    )
}

function podStays(type: ResourceType, before: KubeObject, after: KubeObject): void {
  const fixed = (pod: KubeObject) =>
    items(pod, 'spec', 'containers').map(one => [text(one, 'name'), items(one, 'command')])
  if (!same(fixed(before), fixed(after)))
    throw invalid(
      type,
      before.metadata.name,
      'spec',
      'Forbidden: pod updates may not change fields other than `spec.containers[*].image`',
    )
}

function keepText(secret: KubeObject): void {
  const given = secret['stringData']
  if (!isObject(given)) return
  const data = (secret['data'] ?? {}) as Json
  for (const [key, value] of Object.entries(given))
    data[key] = Buffer.from(String(value)).toString('base64')
  secret['data'] = data
  delete secret['stringData']
}

function defaults(type: ResourceType, object: KubeObject): void {
  if (type.kind === 'Secret') {
    object['type'] ??= 'Opaque'
    keepText(object)
  }
  if (type.kind === 'Namespace') {
    object.metadata.labels = {
      ...object.metadata.labels,
      'kubernetes.io/metadata.name': object.metadata.name,
    }
    object['spec'] = mergePatch(object['spec'], { finalizers: ['kubernetes'] })
    object['status'] = { phase: 'Active' }
  }
  if (type.kind === 'Service') {
    const spec = (object['spec'] ?? {}) as Json
    object['spec'] = {
      type: 'ClusterIP',
      clusterIP: `10.0.0.${(Date.now() % 250) + 1}`,
      sessionAffinity: 'None',
      ...spec,
    }
  }
  if (type.kind === 'Pod') {
    podDefaults(object['spec'])
    object['status'] = { phase: 'Pending', qosClass: 'BestEffort' }
  }
  if (['Deployment', 'ReplicaSet', 'StatefulSet', 'DaemonSet'].includes(type.kind)) {
    object.metadata.generation = 1
    const spec = object['spec'] as Json
    if (type.kind !== 'DaemonSet') spec['replicas'] ??= 1
    if (type.kind === 'Deployment') {
      spec['strategy'] ??= {
        type: 'RollingUpdate',
        rollingUpdate: { maxUnavailable: '25%', maxSurge: '25%' },
      }
      spec['revisionHistoryLimit'] ??= 10
      spec['progressDeadlineSeconds'] ??= 600
    }
    podDefaults((spec['template'] as Json | undefined)?.['spec'])
    object['status'] = type.kind === 'ReplicaSet' ? { replicas: 0 } : {}
  }
}

function podDefaults(spec: unknown): void {
  if (!isObject(spec)) return
  spec['restartPolicy'] ??= 'Always'
  spec['terminationGracePeriodSeconds'] ??= 30
  spec['dnsPolicy'] ??= 'ClusterFirst'
  spec['schedulerName'] ??= 'default-scheduler'
  spec['securityContext'] ??= {}
  for (const container of items(spec, 'containers')) {
    if (!isObject(container)) continue
    container['resources'] ??= {}
    container['imagePullPolicy'] ??= 'IfNotPresent'
    container['terminationMessagePath'] ??= '/dev/termination-log'
    container['terminationMessagePolicy'] ??= 'File'
  }
}

/** Field ownership as `managedFields` says it: a manager, and the fields at the top of what it wrote. */
function own(object: KubeObject, manager: string, operation: 'Apply' | 'Update'): void {
  const others = (object.metadata.managedFields ?? []).filter(
    entry => text(entry, 'manager') !== manager || text(entry, 'operation') !== operation,
  )
  object.metadata.managedFields = [
    ...others,
    {
      manager,
      operation,
      apiVersion: object.apiVersion,
      time: object.metadata.creationTimestamp,
      fieldsType: 'FieldsV1',
      fieldsV1: fieldsOf(object),
    },
  ]
}

function fieldsOf(object: KubeObject): Json {
  const of = (value: unknown): Json =>
    isObject(value)
      ? Object.fromEntries(Object.keys(value).map(key => [`f:${key}`, of(value[key])]))
      : {}
  const { apiVersion: _, kind: __, metadata, status: ___, ...rest } = object
  const { labels, annotations } = metadata
  return {
    ...of(rest),
    ...(labels || annotations
      ? { 'f:metadata': of({ ...(labels && { labels }), ...(annotations && { annotations }) }) }
      : {}),
  }
}
