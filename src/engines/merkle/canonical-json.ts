// RFC 8785 (JCS) for the values that records may hold: no floats, no -0, nothing that JSON would silently change.
// What two readers could understand differently is refused here, so that it is never hashed.
import { InvalidRequest } from '#model'

const MOST_DEPTH = 16

/**
 * The canonical JSON of `value`: plain objects, arrays, well-formed strings, booleans, null and integers up to
 * 2^53-1. Throws InvalidRequest for anything else (undefined, Date, NaN, 1.5, -0, lone surrogates, cycles).
 */
export function canonicalJson(value: unknown): string {
  return write(value, 0)
}

function write(value: unknown, depth: number): string {
  switch (typeof value) {
    case 'string':
      return quote(value)
    case 'number':
      if (!Number.isSafeInteger(value) || Object.is(value, -0))
        throw refused('a number that is no safe integer')
      return String(value)
    case 'boolean':
      return value ? 'true' : 'false'
    case 'object':
      if (value === null) return 'null'
      if (depth >= MOST_DEPTH) throw refused('values nested too deep')
      return Array.isArray(value) ? writeArray(value, depth + 1) : writeObject(value, depth + 1)
    default:
      throw refused(`a value of type ${typeof value}`)
  }
}

function writeArray(values: readonly unknown[], depth: number): string {
  let text = '['
  // By index: a hole reads as undefined and is refused.
  for (let at = 0; at < values.length; at++) {
    text += at === 0 ? write(values[at], depth) : `,${write(values[at], depth)}`
  }
  return `${text}]`
}

function writeObject(value: object, depth: number): string {
  const prototype = Object.getPrototypeOf(value)
  if (prototype !== Object.prototype && prototype !== null)
    throw refused('an object that is no plain one')
  // RFC 8785 section 3.2.3: by UTF-16 code units, which is how JavaScript compares strings.
  const names = Object.keys(value)
  for (let at = 1; at < names.length; at++) {
    if ((names[at - 1] ?? '') > (names[at] ?? '')) {
      names.sort()
      break
    }
  }
  let text = '{'
  for (const name of names) {
    const member = (value as Record<string, unknown>)[name]
    // The commonest member by far, without a call: records are mostly short plain strings.
    const written =
      typeof member === 'string' && !UNUSUAL.test(member) ? `"${member}"` : write(member, depth)
    text += text.length === 1 ? `${label(name)}${written}` : `,${label(name)}${written}`
  }
  return `${text}}`
}

// Names repeat in each record, so their quoted form is kept. Bounded: names can come from outside.
const labels = new Map<string, string>()
const MOST_LABELS = 512

function label(name: string): string {
  let text = labels.get(name)
  if (text === undefined) {
    text = `${quote(name)}:`
    if (name.length <= 32 && labels.size < MOST_LABELS) labels.set(name, text)
  }
  return text
}

// Anything that needs an escape, or that could be half of a surrogate pair.
// biome-ignore lint/suspicious/noControlCharactersInRegex: JSON escapes exactly these
const UNUSUAL = /[\x00-\x1f"\\\ud800-\udfff]/

/** RFC 8785 section 3.2.2.2 is how JSON.stringify escapes, except for lone surrogates. */
function quote(text: string): string {
  if (!UNUSUAL.test(text)) return `"${text}"`
  if (!text.isWellFormed()) throw refused('a string that is not well-formed Unicode')
  return JSON.stringify(text)
}

function refused(what: string): InvalidRequest {
  return new InvalidRequest('request_invalid', `Canonical JSON does not hold ${what}.`)
}
