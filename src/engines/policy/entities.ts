// Our principals, resources and objects as Cedar entities (schema.ts says their shapes).
import type { Actor, Principal, TargetObject } from '#model'
import {
  CedarSet,
  type Entities,
  Entity,
  type EntityData,
  entityKey,
  fieldsOf,
  noFields,
  type RecordFields,
} from './compile/values.ts'

/** A resource, as far as policies know it. */
export interface PolicyResource {
  readonly name: string
  readonly tags: Readonly<Record<string, string>>
}

/** What of a principal or an actor becomes an entity. */
type Identity = Pick<Actor, 'kind' | 'id' | 'subject' | 'issuer' | 'groups'> & {
  readonly name?: string
}

export function principalEntity(identity: Identity, owners: readonly string[]): Entity {
  const { kind, id, subject, issuer, groups, name = subject } = identity
  const agent = kind === 'agent'
  const attributes = fieldsOf([
    ['name', name],
    ['subject', subject],
    ['issuer', issuer],
    ...(agent ? [['owners', new CedarSet(owners)] as const] : []),
  ])
  const ancestors = new Set(groups.map(group => entityKey('Group', group)))
  return new Entity(agent ? 'Agent' : 'User', id, { attributes, tags: noFields, ancestors })
}

/** Everybody whose rights count: the subject and, when somebody acts for it, the current actor. */
export function actingEntities(principal: Principal): readonly [Entity, ...Entity[]] {
  const actor = principal.actors[0]
  if (actor === undefined) return [principalEntity(principal, principal.owners)]
  const owners = (kind: Actor['kind']) => (kind === 'agent' ? principal.owners : [])
  return [
    principalEntity(principal, owners(principal.kind)),
    principalEntity(actor, owners(actor.kind)),
  ]
}

export function tagKey(name: string, value: string): string {
  return entityKey('Tag', `${name}=${value}`)
}

export function resourceEntity(resource: PolicyResource): Entity {
  const tags = Object.entries(resource.tags)
  return new Entity('Resource', resource.name, {
    attributes: fieldsOf([['name', resource.name]]),
    tags: fieldsOf(tags),
    ancestors: new Set(tags.map(([name, value]) => tagKey(name, value))),
  })
}

/** What every object of a resource is in: the resource and its tags. */
export function objectAncestors(resource: Entity): ReadonlySet<string> {
  return new Set([resource.key, ...(resource.data?.ancestors ?? [])])
}

/** Kinds whose names are paths, where a dot does not set a schema apart. */
const pathLike: ReadonlySet<string> = new Set([
  'path',
  'file',
  'folder',
  'url',
  'address',
  'socket',
])

class ObjectFields implements RecordFields {
  readonly #object: TargetObject

  constructor(object: TargetObject) {
    this.#object = object
  }

  get(name: string): string | undefined {
    switch (name) {
      case 'kind':
        return this.#object.kind
      case 'name':
        return this.#object.name
      case 'schema':
        return schemaOf(this.#object)
    }
    return undefined
  }

  names(): readonly string[] {
    const all = ['kind', 'name', 'schema']
    return all.filter(name => this.get(name) !== undefined)
  }
}

function schemaOf({ name, kind }: TargetObject): string | undefined {
  const dot = name.indexOf('.')
  if (dot <= 0 || pathLike.has(kind) || name.includes('/')) return undefined
  return name.slice(0, dot)
}

/** An object of a resource; the resource itself when the object has no name. */
export function objectEntity(
  resource: Entity,
  ancestors: ReadonlySet<string>,
  object: TargetObject,
): Entity {
  if (object.name === '') return resource
  const data: EntityData = { attributes: new ObjectFields(object), tags: noFields, ancestors }
  return new Entity('Object', `${resource.id}/${object.name}`, data)
}

/** What a request can look up by name: those who take part in it, and nothing else. */
export class RequestEntities implements Entities {
  readonly #known: ReadonlyMap<string, EntityData>
  readonly #target: Entity

  constructor(known: ReadonlyMap<string, EntityData>, target: Entity) {
    this.#known = known
    this.#target = target
  }

  get(key: string): EntityData | undefined {
    return key === this.#target.key ? this.#target.data : this.#known.get(key)
  }
}

/** The data of these entities by key. */
export function dataOf(entities: readonly Entity[]): ReadonlyMap<string, EntityData> {
  return new Map(entities.flatMap(({ key, data }) => (data ? [[key, data] as const] : [])))
}
