// One request to the cluster, and its answer.
import type { Caller } from './access.ts'
import { discovery } from './discovery.ts'
import type { Target } from './info.ts'
import type { Logs } from './logs.ts'
import { isYes, items, type Json, type KubeObject, text } from './objects.ts'
import { openapi } from './openapi.ts'
import { listed, type ReadOf, type Response, shaped, type WatchTimes, watched } from './reads.ts'
import { reviewed, tokenFor } from './reviews.ts'
import { unknownFields } from './schemas.ts'
import { selectorOf } from './selectors.ts'
import { StatusError, unknownPath } from './status.ts'
import type { Store } from './store.ts'
import { type Asked, formOf } from './tables.ts'
import { customTypes, groupResource, type ResourceType, TYPES } from './types.ts'
import { Writes } from './writes.ts'

export interface Ask {
  readonly method: string
  readonly url: URL
  readonly target: Target | undefined
  readonly caller: Caller
  readonly accept: string | undefined
  /** The body's content type. */
  readonly type: string
  /** The client's name of itself. */
  readonly program: string
  readonly body: unknown
}

export interface Answer {
  readonly status: number
  readonly type: string
  readonly body: string | Uint8Array
}

const json = (value: unknown, status = 200): Answer => ({
  status,
  type: 'application/json',
  body: JSON.stringify(value),
})

const plain = (body: string): Answer => ({ status: 200, type: 'text/plain', body })

export class Cluster {
  readonly store: Store
  readonly logs: Logs
  readonly writes: Writes
  readonly #times: WatchTimes

  constructor(store: Store, logs: Logs, times: WatchTimes) {
    this.store = store
    this.logs = logs
    this.writes = new Writes(store)
    this.#times = times
    for (const name of ['default', 'kube-system'])
      this.writes.create(typeNamed('namespaces'), undefined, { metadata: { name } }, SYSTEM)
  }

  get types(): readonly ResourceType[] {
    const definitions = this.store.list(
      typeNamed('customresourcedefinitions.apiextensions.k8s.io'),
      undefined,
    )
    return definitions.length === 0
      ? TYPES
      : [...TYPES, ...definitions.flatMap(([, definition]) => customTypes(definition))]
  }

  /** Undefined when the response is being written by what answers (a watch, a followed log). */
  answer(ask: Ask, response: Response): Answer | undefined {
    const { target } = ask
    if (target === undefined) return this.#other(ask)
    const { type, verb, subresource } = target
    if (type.verbs !== undefined && !type.verbs.includes(verb))
      throw new StatusError(405, 'the server does not allow this method on the requested resource')
    if (subresource !== '') return this.#subresource(ask, target, response)
    const asked = formOf(ask.accept)
    const read: ReadOf = { ...target, query: ask.url.searchParams, asked }
    switch (verb) {
      case 'get':
        return json(
          shaped(
            read,
            this.writes.require(type, target.namespace, target.name),
            this.store.revision,
          ),
        )
      case 'list':
        return json(listed(this.store, read))
      case 'watch':
        watched(this.store, read, response, this.#times)
        return undefined
      default:
        return this.#write(ask, target, asked)
    }
  }

  #write(ask: Ask, target: Target, asked: Asked): Answer {
    const { type, namespace, name, verb } = target
    const { searchParams: query } = ask.url
    const read: ReadOf = { ...target, query, asked }
    const options = optionsOf(ask)
    const give = (object: KubeObject, status = 200) =>
      json(shaped(read, object, this.store.revision), status)
    strictly(ask, type)
    switch (verb) {
      case 'create': {
        if (type.verbs !== undefined)
          return json(reviewed(this.store, type.kind, ask.body as KubeObject, ask.caller), 201)
        const made = this.writes.create(type, namespace, ask.body, options)
        this.#established(type, made, options.dryRun)
        return give(made, 201)
      }
      case 'update':
        return give(this.writes.update(type, namespace, name, ask.body, options))
      case 'patch': {
        const { made, object } = this.writes.patch(
          type,
          namespace,
          name,
          ask.type,
          ask.body,
          options,
        )
        if (made) this.#established(type, object, options.dryRun)
        return give(object, made ? 201 : 200)
      }
      case 'delete': {
        const object = this.#delete(type, namespace, name, options.dryRun)
        // Pods and namespaces answer with what they were, as with the API server.
        if (type.kind === 'Pod' || type.kind === 'Namespace') return give(object)
        const details = { name, group: type.group, kind: type.resource, uid: object.metadata.uid }
        return json({ kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', details })
      }
      case 'deletecollection': {
        const before = listed(this.store, read)
        const matches = selectorOf(query)
        for (const [, object] of this.store.list(type, namespace))
          if (matches(object))
            this.#delete(type, object.metadata.namespace, object.metadata.name, options.dryRun)
        return json(before)
      }
      default:
        throw unknownPath()
    }
  }

  #delete(
    type: ResourceType,
    namespace: string | undefined,
    name: string,
    dryRun: boolean,
  ): KubeObject {
    const object = this.writes.require(type, namespace, name)
    if (!dryRun) {
      this.store.remove(type, namespace ?? '', name)
      if (type.kind === 'Namespace')
        for (const one of this.types.filter(each => each.namespaced && each.verbs === undefined))
          for (const [, own] of this.store.list(one, name))
            this.store.remove(one, name, own.metadata.name)
    }
    return object
  }

  /** A definition of custom resources holds as soon as it is there. */
  #established(type: ResourceType, object: KubeObject, dryRun: boolean): void {
    if (type.kind !== 'CustomResourceDefinition' || dryRun) return
    const conditions = ['NamesAccepted', 'Established'].map(one => ({ type: one, status: 'True' }))
    const names = (object['spec'] as Json)['names']
    this.store.put(type, { ...object, status: { conditions, acceptedNames: names } })
  }

  #subresource(ask: Ask, target: Target, response: Response): Answer | undefined {
    const { type, namespace, name, subresource, verb } = target
    const { searchParams: query } = ask.url
    const options = optionsOf(ask)
    const object = this.writes.require(type, namespace, name)
    const read: ReadOf = { ...target, query, asked: formOf(ask.accept) }
    const give = (one: KubeObject) => json(shaped(read, one, this.store.revision))
    switch (subresource) {
      case 'status':
      case 'ephemeralcontainers':
      case 'approval':
        if (verb === 'get') return give(object)
        return give(
          verb === 'patch'
            ? this.writes.patch(type, namespace, name, ask.type, ask.body, options, subresource)
                .object
            : this.writes.update(type, namespace, name, ask.body, options, subresource),
        )
      case 'finalize':
        return give(object)
      case 'scale':
        return json(this.#scale(ask, target, object))
      case 'log': {
        const container = containerOf(object, query.get('container'))
        if (isYes(query, 'previous'))
          throw new StatusError(
            400,
            `previous terminated container "${container}" in pod "${name}" not found`,
          )
        this.logs.answer(`${namespace}/${name}/${container}`, query, response)
        return undefined
      }
      case 'eviction':
        if (!options.dryRun) this.store.remove(type, namespace ?? '', name)
        return json({ kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success' }, 201)
      case 'binding': {
        const spec = { ...(object['spec'] as Json), nodeName: text(ask.body, 'target', 'name') }
        if (!options.dryRun) this.store.put(type, { ...object, spec })
        return json({ kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success' }, 201)
      }
      case 'token':
        return json(tokenFor(ask.body as KubeObject), 201)
      case 'proxy':
        return plain(
          `proxied ${ask.method} ${type.resource}/${name} /${target.rest}${ask.url.search}\n`,
        )
      case 'exec':
      case 'attach':
      case 'portforward':
        throw new StatusError(400, 'Upgrade request required')
      default:
        throw unknownPath()
    }
  }

  #scale(ask: Ask, target: Target, object: KubeObject): Json {
    const { type, namespace, name } = target
    const scaleOf = (one: KubeObject) => ({
      kind: 'Scale',
      apiVersion: 'autoscaling/v1',
      metadata: { ...one.metadata, managedFields: undefined },
      spec: { replicas: Number(text(one, 'spec', 'replicas')) },
      status: {
        replicas: Number(text(one, 'status', 'replicas') || 0),
        selector: Object.entries(
          (one['spec'] as { selector?: { matchLabels?: Json } }).selector?.matchLabels ?? {},
        )
          .map(([key, value]) => `${key}=${String(value)}`)
          .join(','),
      },
    })
    if (target.verb === 'get') return scaleOf(object)
    const replicas = Number(text(ask.body, 'spec', 'replicas'))
    const merge = 'application/merge-patch+json'
    const body = { spec: { replicas } }
    return scaleOf(this.writes.patch(type, namespace, name, merge, body, optionsOf(ask)).object)
  }

  #other(ask: Ask): Answer {
    const { pathname } = ask.url
    const found = discovery(pathname.replace(/(.)\/$/, '$1'), ask.accept, this.types)
    if (found) return { status: 200, type: found.type, body: JSON.stringify(found.body) }
    if (pathname === '/version')
      return json({
        major: '1',
        minor: '32',
        gitVersion: 'v1.32.0-stand-in',
        platform: 'linux/amd64',
      })
    if (/^\/(healthz|livez|readyz)/.test(pathname)) return plain('ok')
    if (pathname === '/metrics') return plain('# none\n')
    if (pathname.startsWith('/openapi/')) return openapi(ask.url, ask.accept, this.types)
    throw unknownPath()
  }
}

const SYSTEM = { dryRun: false, manager: 'system', force: false }

export function typeNamed(name: string): ResourceType {
  const found = TYPES.find(type => groupResource(type) === name)
  if (found === undefined) throw new Error(`no type ${name}`)
  return found
}

function optionsOf(ask: Ask) {
  const { searchParams: query } = ask.url
  return {
    // A delete may say it in its body.
    dryRun:
      query.getAll('dryRun').includes('All') ||
      (ask.method === 'DELETE' && items(ask.body, 'dryRun').includes('All')),
    manager: query.get('fieldManager') ?? ask.program,
    force: isYes(query, 'force'),
  }
}

/** Unknown fields are refused where the client asks for that, and dropped by nobody here. */
function strictly(ask: Ask, type: ResourceType): void {
  if (ask.url.searchParams.get('fieldValidation') !== 'Strict' || type.verbs !== undefined) return
  if (ask.method === 'PATCH' && ask.type !== 'application/apply-patch+yaml') return
  const unknown = unknownFields(type, ask.body)
  if (unknown.length === 0) return
  const why = unknown.map(path => `unknown field "${path}"`).join(', ')
  throw new StatusError(
    400,
    `${type.kind} in version "${type.version}" cannot be handled as a ${type.kind}: strict decoding error: ${why}`,
  )
}

/** The container that is meant, refused as the kubelet does when it is not clear. */
export function containerOf(pod: KubeObject, asked: string | null): string {
  const named = (list: string) => items(pod, 'spec', list).map(one => text(one, 'name'))
  const names = named('containers')
  const all = [...names, ...named('initContainers'), ...named('ephemeralContainers')]
  const { name } = pod.metadata
  if (asked !== null && asked !== '') {
    if (!all.includes(asked))
      throw new StatusError(400, `container ${asked} is not valid for pod ${name}`)
    return asked
  }
  if (names.length > 1)
    throw new StatusError(
      400,
      `a container name must be specified for pod ${name}, choose one of: [${names.join(' ')}]`,
    )
  return names[0] ?? ''
}
