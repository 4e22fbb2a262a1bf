// Cedar's values as JavaScript values, and when two of them are equal.
// It knows no policy, no schema and none of our words: any Cedar program can be run on it.

import type { IpAddress } from './ip-address.ts'
import type { Datetime, Decimal, Duration } from './quantities.ts'

/** Evaluation failed: the policy does not apply, and is reported (Cedar: "error" in the diagnostics). */
export class EvaluationError extends Error {}

/** A 64-bit integer: a number while it is a safe integer, else a bigint. Never both forms of one value. */
export type Long = number | bigint

export type Value =
  | boolean
  | string
  | Long
  | Entity
  | CedarSet
  | CedarRecord
  | Decimal
  | IpAddress
  | Datetime
  | Duration

/** A record: attributes by name. An interface, so that a context can compute its attributes when asked. */
export interface RecordFields {
  get(name: string): Value | undefined
  names(): readonly string[]
}

/** What is known of an entity besides its name. `ancestors` holds the keys of all, not of parents only. */
export interface EntityData {
  readonly attributes: RecordFields
  readonly tags: RecordFields
  readonly ancestors: ReadonlySet<string>
}

/** Where entities are looked up by key. Unknown entities have no attributes and no ancestors. */
export interface Entities {
  get(key: string): EntityData | undefined
}

/** The key of an entity: injective, as a type name holds no quote. */
export function entityKey(type: string, id: string): string {
  return `${type}::"${id}`
}

/** A reference to an entity; with its data at hand where we built it, so that it is not looked up. */
export class Entity {
  readonly type: string
  readonly id: string
  readonly key: string
  readonly data: EntityData | undefined

  constructor(type: string, id: string, data?: EntityData) {
    this.type = type
    this.id = id
    this.key = entityKey(type, id)
    this.data = data
  }
}

/** A set: its members by their canonical key. */
export class CedarSet {
  readonly members: ReadonlyMap<string, Value>

  constructor(values: Iterable<Value>) {
    const members = new Map<string, Value>()
    for (const value of values) members.set(keyOf(value), value)
    this.members = members
  }

  has(value: Value): boolean {
    return this.members.has(keyOf(value))
  }
}

export class CedarRecord {
  readonly fields: RecordFields

  constructor(fields: RecordFields) {
    this.fields = fields
  }
}

/** The fields of a record whose values are all at hand. */
export function fieldsOf(entries: Iterable<readonly [string, Value]>): RecordFields {
  const map = new Map(entries)
  return { get: name => map.get(name), names: () => [...map.keys()] }
}

export const noFields: RecordFields = { get: () => undefined, names: () => [] }

const MAX = 2n ** 63n - 1n
const MIN = -(2n ** 63n)

/** Brings an integer to its one form; fails outside 64 bits, as Cedar's arithmetic does. */
export function toLong(value: bigint): Long {
  if (value > MAX || value < MIN) throw new EvaluationError('integer overflow')
  const small = Number(value)
  return Number.isSafeInteger(small) ? small : value
}

export function inLongRange(value: bigint): boolean {
  return value <= MAX && value >= MIN
}

/** A text that two values share when, and only when, Cedar's `==` holds for them. */
export function keyOf(value: Value): string {
  switch (typeof value) {
    case 'string':
      return `s${value}`
    case 'number':
    case 'bigint':
      return `l${value}`
    case 'boolean':
      return value ? 't' : 'f'
  }
  if (value instanceof Entity) return `e${value.key}`
  if (value instanceof CedarSet) return `S${JSON.stringify([...value.members.keys()].sort())}`
  if (value instanceof CedarRecord) {
    const names = [...value.fields.names()].sort()
    return `R${JSON.stringify(names.map(name => [name, keyOf(field(value.fields, name))]))}`
  }
  return value.key
}

function field(fields: RecordFields, name: string): Value {
  const value = fields.get(name)
  if (value === undefined) throw new EvaluationError(`attribute ${name} is gone`)
  return value
}

/** Cedar's `==`: never fails; values of different types differ. */
export function equal(left: Value, right: Value): boolean {
  if (left === right) return true
  if (typeof left !== 'object' || typeof right !== 'object') return false
  if (left instanceof Entity) return right instanceof Entity && left.key === right.key
  return keyOf(left) === keyOf(right)
}

/** Cedar's `in`: reflexive, and transitive over what the entities say. */
export function isIn(member: Entity, group: Entity, entities: Entities): boolean {
  if (member.key === group.key) return true
  return (member.data ?? entities.get(member.key))?.ancestors.has(group.key) === true
}
