// Reads the library's JSON form (EST) of policies. Strict: what is not as expected does not compile.
import type { Json, JsonObject } from '#model'
import { Entity } from './values.ts'

/** The JSON form holds something that we do not know. */
export class CompileError extends Error {}

export function asObject(node: Json | undefined): JsonObject {
  if (typeof node === 'object' && node !== null && !isList(node)) return node
  throw new CompileError('expected an object')
}

export function asArray(node: Json | undefined): readonly Json[] {
  if (isList(node)) return node
  throw new CompileError('expected a list')
}

export function asString(node: Json | undefined): string {
  if (typeof node === 'string') return node
  throw new CompileError('expected a text')
}

export function isList(node: Json | undefined): node is readonly Json[] {
  return Array.isArray(node)
}

/** Reads `{ type, id }`, with or without `__entity` around it. */
export function readEntity(node: Json | undefined): Entity {
  const object = asObject(node)
  const uid = '__entity' in object ? asObject(object['__entity']) : object
  return new Entity(asString(uid['type']), asString(uid['id']))
}
