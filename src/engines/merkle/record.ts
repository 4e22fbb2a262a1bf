// The record: one audit entry with its number and its time, as canonical JSON. docs/spec/audit-log.md, section 2.
import { type AuditEntry, InvalidRequest, type JsonObject } from '#model'
import { canonicalJson } from './canonical-json.ts'

/** tlog-tiles gives an entry 16 bits of length; half of that is ours. */
export const MOST_RECORD_BYTES = 32 * 1024

/** The parts of a record in their canonical order; `seq` and `ts` are the log's own. */
const PARTS = [
  'action',
  'decision',
  'details',
  'masking',
  'principal',
  'result',
  'source',
  'target',
] as const
const NAMES: ReadonlySet<string> = new Set([...PARTS, 'kind', 'seq', 'session', 'ts'])
const KIND = /^[a-z]+(\.[a-z]+)+$/
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/
const MOST_SESSION_CHARACTERS = 256

/**
 * The canonical JSON of entry number `seq`. `ts` is RFC 3339 in UTC with milliseconds. Parts that are frozen
 * throughout are written out only once. Throws InvalidRequest for an entry that is not of the fixed shape.
 */
export function encodeRecord(entry: AuditEntry, seq: number, ts: string): string {
  for (const name in entry) {
    // `seq` and `ts` in an entry would be somebody else's claim of order and time.
    if (!NAMES.has(name) || name === 'seq' || name === 'ts')
      throw refused('it has a part that records do not have')
  }
  if (typeof entry.kind !== 'string' || !KIND.test(entry.kind))
    throw refused('its kind is not a word of ours')
  let text = '{'
  if (entry.action !== undefined) text += `"action":${part(entry.action)},`
  if (entry.decision !== undefined) text += `"decision":${part(entry.decision)},`
  if (entry.details !== undefined) text += `"details":${part(entry.details)},`
  text += `"kind":"${entry.kind}"`
  if (entry.masking !== undefined) text += `,"masking":${part(entry.masking)}`
  if (entry.principal !== undefined) text += `,"principal":${part(entry.principal)}`
  if (entry.result !== undefined) text += `,"result":${part(entry.result)}`
  text += `,"seq":${seq}`
  if (entry.session !== undefined) {
    if (typeof entry.session !== 'string' || entry.session.length > MOST_SESSION_CHARACTERS) {
      throw refused('its session is not an id')
    }
    text += `,"session":${canonicalJson(entry.session)}`
  }
  if (entry.source !== undefined) text += `,"source":${part(entry.source)}`
  if (entry.target !== undefined) text += `,"target":${part(entry.target)}`
  return `${text},"ts":"${ts}"}`
}

/**
 * Reads a record back and checks its shape: well-formed JSON, the fixed parts, and the number it must have.
 * Throws InvalidRequest. The bytes are not serialised again: what was hashed is what counts.
 */
export function decodeRecord(bytes: Uint8Array, seq: number): JsonObject {
  let value: unknown
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes))
  } catch (cause) {
    // Not UTF-8 or not JSON: both mean that these bytes are no record.
    throw new InvalidRequest('request_invalid', `Record ${seq} is not JSON.`, { cause })
  }
  if (!isObject(value)) throw refused('it is not an object', seq)
  if (value['seq'] !== seq) throw refused(`it says number ${JSON.stringify(value['seq'])}`, seq)
  if (typeof value['ts'] !== 'string' || !TIME.test(value['ts']))
    throw refused('it has no time', seq)
  if (typeof value['kind'] !== 'string' || !KIND.test(value['kind']))
    throw refused('it has no kind', seq)
  if (!Object.keys(value).every(name => NAMES.has(name)))
    throw refused('it has a part that records do not have', seq)
  return value
}

/** Texts of parts that can never change: a session's principal and target are the same objects in each entry. */
const frozenParts = new WeakMap<object, string>()

function part(value: unknown): string {
  if (!isObject(value)) throw refused('one of its parts is not an object')
  const known = frozenParts.get(value)
  if (known !== undefined) return known
  const text = canonicalJson(value)
  if (isFrozenThroughout(value)) frozenParts.set(value, text)
  return text
}

function isFrozenThroughout(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return true
  return Object.isFrozen(value) && Object.values(value).every(isFrozenThroughout)
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function refused(why: string, seq?: number): InvalidRequest {
  const what = seq === undefined ? 'The audit entry' : `Record ${seq}`
  return new InvalidRequest('request_invalid', `${what} cannot stand: ${why}.`)
}
