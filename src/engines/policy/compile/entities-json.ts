// Entities, contexts and requests in Cedar's own JSON forms. Only tests read them: in the product,
// entities are built from verified principals and from configuration, never from a file.
import type { Json, JsonObject } from '#model'
import { asArray, asObject, asString, isList, readEntity } from './est.ts'
import { extensionFunctions } from './extensions.ts'
import {
  CedarRecord,
  CedarSet,
  type Entities,
  type EntityData,
  EvaluationError,
  fieldsOf,
  toLong,
  type Value,
} from './values.ts'

/** JSON with integers beyond 2^53 kept as `{ "__long": "…" }`. */
export function parseExact(text: string): Json {
  return JSON.parse(text, (_, value, context?: { source?: string }) =>
    typeof value === 'number' && !Number.isSafeInteger(value) && context?.source
      ? { __long: context.source }
      : value,
  )
}

/** A value of an attribute or a context: escapes `__entity` and `__extn` are read. */
export function readValue(node: Json): Value {
  if (typeof node === 'string' || typeof node === 'boolean' || typeof node === 'number') return node
  if (node === null) throw new EvaluationError('null is no value')
  if (isList(node)) return new CedarSet(node.map(readValue))
  if ('__entity' in node || isImplicitEntity(node)) return readEntity(node)
  if ('__long' in node) return toLong(BigInt(asString(node['__long'])))
  if ('__extn' in node) return readExtension(asObject(node['__extn']))
  return new CedarRecord(readFields(node))
}

/** The sample data write entities as `{ type, id }` and leave it to their schemas to say so. */
function isImplicitEntity(node: JsonObject): boolean {
  return (
    Object.keys(node).length === 2 &&
    typeof node['type'] === 'string' &&
    typeof node['id'] === 'string'
  )
}

function readExtension(node: JsonObject): Value {
  const values = (node['args'] === undefined ? [node['arg'] ?? null] : asArray(node['args'])).map(
    readValue,
  )
  const [left = true, right = true] = values
  const found = extensionFunctions.get(asString(node['fn']))
  if (!found) throw new EvaluationError('unknown extension function')
  return found.call(left, right)
}

export function readFields(node: Json | undefined) {
  return fieldsOf(Object.entries(asObject(node)).map(([name, item]) => [name, readValue(item)]))
}

export function readEntities(list: Json): Entities {
  const parents = new Map<string, readonly string[]>()
  const data = new Map<string, EntityData>()
  for (const item of asArray(list)) {
    const entity = asObject(item)
    const uid = readEntity(entity['uid'])
    parents.set(
      uid.key,
      asArray(entity['parents'] ?? []).map(parent => readEntity(parent).key),
    )
    data.set(uid.key, {
      attributes: readFields(entity['attrs'] ?? {}),
      tags: readFields(entity['tags'] ?? {}),
      get ancestors() {
        return ancestorsOf(uid.key, parents)
      },
    })
  }
  return data
}

function ancestorsOf(key: string, parents: ReadonlyMap<string, readonly string[]>): Set<string> {
  const found = new Set<string>()
  const open = [...(parents.get(key) ?? [])]
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (found.has(next)) continue
    found.add(next)
    open.push(...(parents.get(next) ?? []))
  }
  return found
}
