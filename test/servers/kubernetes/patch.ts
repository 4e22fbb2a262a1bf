// What a patch makes of an object: JSON patch (RFC 6902), merge patch (RFC 7386), strategic merge patch with the merge
// keys that Kubernetes gives its lists, and server-side apply as far as one needs it to be idempotent.
import { isObject, type Json, type KubeObject } from './objects.ts'
import { StatusError } from './status.ts'

export const PATCH_TYPES = {
  'application/json-patch+json': jsonPatch,
  'application/merge-patch+json': (object: unknown, patch: unknown) => mergePatch(object, patch),
  'application/strategic-merge-patch+json': (object: unknown, patch: unknown) =>
    strategic(object, patch, ''),
  'application/apply-patch+yaml': (object: unknown, patch: unknown) => strategic(object, patch, ''),
} as const satisfies Record<string, (object: unknown, patch: unknown) => unknown>

export type PatchType = keyof typeof PATCH_TYPES

export function patched(object: KubeObject, type: PatchType, patch: unknown): KubeObject {
  return PATCH_TYPES[type](structuredClone(object), patch) as KubeObject
}

function jsonPatch(object: unknown, patch: unknown): unknown {
  if (!Array.isArray(patch)) throw new StatusError(400, 'a JSON patch is an array')
  for (const step of patch) {
    const { op, path, value, from } = step as Record<string, unknown>
    if (op === 'test') {
      if (JSON.stringify(at(object, String(path))) !== JSON.stringify(value))
        throw new StatusError(422, `testing value ${String(path)} failed`)
    } else if (op === 'add' || op === 'replace') object = set(object, String(path), value, op)
    else if (op === 'remove') remove(object, String(path))
    else if (op === 'copy') object = set(object, String(path), at(object, String(from)), 'add')
    else if (op === 'move') {
      const moved = at(object, String(from))
      remove(object, String(from))
      object = set(object, String(path), moved, 'add')
    } else throw new StatusError(400, `unknown operation ${String(op)}`)
  }
  return object
}

const pointer = (path: string) =>
  path
    .split('/')
    .slice(1)
    .map(part => part.replaceAll('~1', '/').replaceAll('~0', '~'))

function at(object: unknown, path: string): unknown {
  return pointer(path).reduce<unknown>((value, name) => (value as Json | undefined)?.[name], object)
}

function parentOf(object: unknown, path: string): [Json, string] {
  const parts = pointer(path)
  const last = parts.pop() ?? ''
  const parent = parts.reduce<unknown>((value, name) => (value as Json)?.[name], object)
  if (typeof parent !== 'object' || parent === null)
    throw new StatusError(422, `the server rejected our request: path ${path} does not exist`)
  return [parent as Json, last]
}

function set(object: unknown, path: string, value: unknown, op: string): unknown {
  if (path === '') return value
  const [parent, name] = parentOf(object, path)
  if (Array.isArray(parent) && op === 'add')
    parent.splice(name === '-' ? parent.length : Number(name), 0, value)
  else parent[name] = value
  return object
}

function remove(object: unknown, path: string): void {
  const [parent, name] = parentOf(object, path)
  if (Array.isArray(parent)) parent.splice(Number(name), 1)
  else delete parent[name]
}

export function mergePatch(object: unknown, patch: unknown): unknown {
  if (!isObject(patch)) return patch
  const result: Json = isObject(object) ? object : {}
  for (const [name, value] of Object.entries(patch))
    if (value === null) delete result[name]
    else result[name] = mergePatch(result[name], value)
  return result
}

/** What makes two entries of a list the same one, by the list's name. */
const MERGE_KEYS: Readonly<Record<string, readonly string[]>> = {
  containers: ['name'],
  initContainers: ['name'],
  ephemeralContainers: ['name'],
  volumes: ['name'],
  env: ['name'],
  volumeMounts: ['mountPath'],
  ports: ['containerPort', 'port'],
  conditions: ['type'],
  imagePullSecrets: ['name'],
  ownerReferences: ['uid'],
  hostAliases: ['ip'],
}

function strategic(object: unknown, patch: unknown, name: string): unknown {
  if (Array.isArray(patch)) return strategicList(object, patch, name)
  if (!isObject(patch)) return patch
  if (patch['$patch'] === 'replace') {
    const { $patch: _, ...rest } = patch
    return rest
  }
  const result: Json = isObject(object) ? object : {}
  const retained = patch['$retainKeys']
  if (Array.isArray(retained))
    for (const key of Object.keys(result)) if (!retained.includes(key)) delete result[key]
  for (const [key, value] of Object.entries(patch)) {
    if (key === '$retainKeys' || key.startsWith('$setElementOrder/')) continue
    const [, from] = /^\$deleteFromPrimitiveList\/(.+)$/.exec(key) ?? []
    if (from !== undefined && Array.isArray(value) && Array.isArray(result[from]))
      result[from] = (result[from] as unknown[]).filter(one => !value.includes(one))
    else if (value === null) delete result[key]
    else result[key] = strategic(result[key], value, key)
  }
  return result
}

function strategicList(object: unknown, patch: readonly unknown[], name: string): unknown {
  const keys = MERGE_KEYS[name]
  const key = keys?.find(one => patch.every(entry => isObject(entry) && entry[one] !== undefined))
  if (patch.some(entry => isObject(entry) && entry['$patch'] === 'replace'))
    return patch.filter(entry => !isObject(entry) || entry['$patch'] === undefined)
  if (name === 'finalizers' && Array.isArray(object)) return [...new Set([...object, ...patch])]
  if (key === undefined) return patch
  const result: unknown[] = Array.isArray(object) ? object : []
  for (const entry of patch as Json[]) {
    const found = result.findIndex(one => isObject(one) && one[key] === entry[key])
    if (entry['$patch'] === 'delete') {
      if (found >= 0) result.splice(found, 1)
    } else if (found < 0) result.push(entry)
    else result[found] = strategic(result[found], entry, '')
  }
  return result
}
