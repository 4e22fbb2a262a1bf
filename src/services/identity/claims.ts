// Reads claims whose signature has been checked. A claim that is absent is one thing, a claim of the wrong type
// another: the first may be fine, the second is always refused.
import type { Json, JsonObject } from '#model'
import { invalid } from './jws.ts'

const LONGEST_NAME = 256
const DEEPEST = 16

/** The value of a claim by name, or by JSON pointer (RFC 6901) when the path begins with a slash. */
export function claimAt(claims: JsonObject, path: string): Json | undefined {
  if (!path.startsWith('/')) return Object.hasOwn(claims, path) ? claims[path] : undefined
  let value: Json | undefined = claims
  for (const name of namesIn(path)) {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
    const object: JsonObject = value as JsonObject
    value = Object.hasOwn(object, name) ? object[name] : undefined
  }
  return value
}

/** The claim that a path begins at: its name, or the first one of its pointer. */
export function topOf(path: string): string {
  return path.startsWith('/') ? (namesIn(path)[0] ?? path) : path
}

/** Section 4: ~1 before ~0, so that ~01 is ~1. */
function namesIn(pointer: string): readonly string[] {
  const tokens = pointer.slice(1).split('/', DEEPEST)
  return tokens.map(token => token.replaceAll('~1', '/').replaceAll('~0', '~'))
}

/** A name of somebody or something: not empty, bounded, no control characters, no half characters. */
export function isName(value: unknown): value is string {
  return (
    typeof value === 'string' &&
    value.length > 0 &&
    value.length <= LONGEST_NAME &&
    value.isWellFormed() &&
    !/\p{Cc}/u.test(value)
  )
}

/** A claim that must be there and be a name. */
export function nameAt(claims: JsonObject, claim: string): string {
  const value = claimAt(claims, claim)
  if (value === undefined) throw invalid(`The token has no "${claim}".`)
  if (!isName(value)) throw invalid(`The token's "${claim}" is not a name.`)
  return value
}

/** A list of names; absent means none. */
export function namesAt(claims: JsonObject, path: string): readonly string[] {
  const value = claimAt(claims, path)
  if (value === undefined) return []
  if (!Array.isArray(value) || !value.every(isName)) {
    throw invalid(`The token's "${path}" is not a list of names.`)
  }
  return [...new Set(value)]
}

/** A NumericDate (RFC 7519 section 2) as Unix ms; undefined when absent. */
export function dateAt(claims: JsonObject, claim: string): number | undefined {
  const value = claimAt(claims, claim)
  if (value === undefined) return undefined
  // Beyond the year 10000 it is no date but an overflow waiting to happen.
  if (typeof value !== 'number' || value < 0 || value > 253_402_300_800) {
    throw invalid(`The token's "${claim}" is not a time.`)
  }
  return Math.floor(value * 1_000)
}

/** Text for people: no control characters, bounded. */
export function labelAt(claims: JsonObject, claim: string): string | undefined {
  const value = claimAt(claims, claim)
  if (typeof value !== 'string' || !value.isWellFormed()) return undefined
  const label = value.replace(/\p{C}/gu, '').trim().slice(0, 128)
  return label === '' ? undefined : label.toWellFormed()
}
