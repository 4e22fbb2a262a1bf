// What an operator takes: a value of another type is an evaluation error, as in Cedar.
import { CedarSet, Entity, EvaluationError, type Long, type Value } from './values.ts'

export const mismatch = (wanted: string) => new EvaluationError(`type error: expected ${wanted}`)

export function bool(value: Value): boolean {
  if (typeof value === 'boolean') return value
  throw mismatch('a boolean')
}

export function long(value: Value): Long {
  if (typeof value === 'number' || typeof value === 'bigint') return value
  throw mismatch('an integer')
}

export function text(value: Value): string {
  if (typeof value === 'string') return value
  throw mismatch('a string')
}

export function set(value: Value): CedarSet {
  if (value instanceof CedarSet) return value
  throw mismatch('a set')
}

export function entity(value: Value): Entity {
  if (value instanceof Entity) return value
  throw mismatch('an entity')
}
