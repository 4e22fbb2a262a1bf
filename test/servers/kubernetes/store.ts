// The objects, and what happened to them: every change has the next resourceVersion, and watchers hear of it.
import type { KubeObject } from './objects.ts'
import { StatusError } from './status.ts'
import { groupResource, type ResourceType } from './types.ts'

export interface Change {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'
  readonly kind: string
  readonly version: number
  readonly object: KubeObject
  /** What it was before, so that a watch with a selector sees it leave. */
  readonly before?: KubeObject
}

export class Store {
  #revision = 1000
  readonly #kinds = new Map<string, Map<string, KubeObject>>()
  readonly #history: Change[] = []
  readonly #watchers = new Set<(change: Change) => void>()
  readonly #keep: number

  /** Keeps so many changes for watches that begin in the past. */
  constructor(keep = 5000) {
    this.#keep = keep
  }

  get revision(): string {
    return String(this.#revision)
  }

  get(type: ResourceType, namespace: string, name: string): KubeObject | undefined {
    return this.#of(type).get(`${namespace}/${name}`)
  }

  /** In the order of the keys, as etcd lists them. */
  list(type: ResourceType, namespace: string | undefined): [string, KubeObject][] {
    const all = [...this.#of(type)]
    const own =
      namespace === undefined ? all : all.filter(([key]) => key.startsWith(`${namespace}/`))
    return own.sort(([a], [b]) => (a < b ? -1 : 1))
  }

  put(type: ResourceType, object: KubeObject): KubeObject {
    const { namespace = '', name } = object.metadata
    const key = `${namespace}/${name}`
    const before = this.#of(type).get(key)
    this.#revision += 1
    const kept = structuredClone(object)
    kept.metadata.resourceVersion = this.revision
    this.#of(type).set(key, kept)
    this.#tell(type, before === undefined ? 'ADDED' : 'MODIFIED', kept, before)
    return kept
  }

  remove(type: ResourceType, namespace: string, name: string): KubeObject | undefined {
    const key = `${namespace}/${name}`
    const gone = this.#of(type).get(key)
    if (gone === undefined) return undefined
    this.#of(type).delete(key)
    this.#revision += 1
    const last = structuredClone(gone)
    last.metadata.resourceVersion = this.revision
    this.#tell(type, 'DELETED', last, gone)
    return last
  }

  /** The changes after `version`, in order, then those to come. Returns how to stop. */
  watch(version: number, hear: (change: Change) => void): () => void {
    const oldest = this.#history[0]?.version ?? 0
    if (version > 0 && this.#history.length >= this.#keep && version + 1 < oldest)
      throw new StatusError(410, `too old resource version: ${version} (${oldest - 1})`)
    for (const change of this.#history) if (change.version > version) hear(change)
    this.#watchers.add(hear)
    return () => this.#watchers.delete(hear)
  }

  #of(type: ResourceType): Map<string, KubeObject> {
    const kind = groupResource(type)
    let objects = this.#kinds.get(kind)
    if (objects === undefined) {
      objects = new Map()
      this.#kinds.set(kind, objects)
    }
    return objects
  }

  #tell(
    type: ResourceType,
    what: Change['type'],
    object: KubeObject,
    before: KubeObject | undefined,
  ): void {
    const change: Change = {
      type: what,
      kind: groupResource(type),
      version: this.#revision,
      object,
      ...(before === undefined ? {} : { before }),
    }
    this.#history.push(change)
    if (this.#history.length > this.#keep) this.#history.shift()
    for (const hear of this.#watchers) hear(change)
  }
}
