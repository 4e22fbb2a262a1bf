// Lines of a head or of a trailer section, to fields (RFC 9112 section 5). Refuses, never repairs.
import { looseName } from './fields.ts'
import { HttpRefusal } from './refusal.ts'

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/
/** Visible, blanks, tabs and what is above ASCII; no control character, so no bare CR or LF either. */
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/

/** Lower-case names by what was on the wire, once they were found to be names. */
const known = new Map<string, string>()
const MOST_KNOWN = 1_000

export function fieldName(text: string): string {
  const kept = known.get(text)
  if (kept !== undefined) return kept
  if (!TOKEN.test(text)) throw new HttpRefusal('field_name')
  const name = text.toLowerCase()
  if (name.includes('_') && isGuarded(looseName(name))) throw new HttpRefusal('field_look_alike')
  if (known.size < MOST_KNOWN && text.length <= 64) known.set(text, name)
  return name
}

export function fieldValue(text: string): string {
  if (!VALUE.test(text)) throw new HttpRefusal(/[\r\n]/.test(text) ? 'line_ending' : 'field_value')
  return trim(text)
}

/** Blanks and tabs around it only (RFC 9110 section 5.5). */
function trim(text: string): string {
  let start = 0
  let end = text.length
  while (start < end && isBlank(text.charCodeAt(start))) start += 1
  while (end > start && isBlank(text.charCodeAt(end - 1))) end -= 1
  return start === 0 && end === text.length ? text : text.slice(start, end)
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09
}

/**
 * From `start` to `end` of a head as latin1, which holds no empty line. `take` is given each field.
 */
export function readFieldLines(
  text: string,
  start: number,
  most: number,
  take: (name: string, value: string) => void,
): void {
  let count = 0
  while (start < text.length) {
    let end = text.indexOf('\r\n', start)
    if (end === -1) end = text.length
    const colon = text.indexOf(':', start)
    if (isBlank(text.charCodeAt(start))) throw new HttpRefusal('line_folding')
    if (colon === -1 || colon >= end) throw new HttpRefusal(lineWithoutColon(text, start, end))
    count += 1
    if (count > most) throw new HttpRefusal('fields_too_many')
    const name = fieldName(text.slice(start, colon))
    take(name, fieldValue(text.slice(colon + 1, end)))
    start = end + 2
  }
}

function lineWithoutColon(text: string, start: number, end: number) {
  return /[\r\n]/.test(text.slice(start, end)) ? 'line_ending' : 'field_name'
}

const GUARDED = new Set([
  'host',
  'content-length',
  'content-type',
  'content-encoding',
  'transfer-encoding',
  'connection',
  'keep-alive',
  'upgrade',
  'te',
  'trailer',
  'expect',
  'range',
  'authorization',
  'cookie',
  'forwarded',
  'x-real-ip',
])

/** Fields that somebody trusts: no other name may pass for them. */
function isGuarded(loose: string): boolean {
  return (
    GUARDED.has(loose) ||
    loose.startsWith('x-forwarded-') ||
    loose.startsWith('proxy-') ||
    overrides(loose) !== undefined
  )
}

/** Fields by which frameworks act upon another request than the one in the request line. */
export function overrides(loose: string): 'method_override' | 'target_override' | undefined {
  switch (loose) {
    case 'x-http-method-override':
    case 'x-http-method':
    case 'x-method-override':
      return 'method_override'
    case 'x-original-url':
    case 'x-original-uri':
    case 'x-rewrite-url':
      return 'target_override'
    default:
      return undefined
  }
}

/** RFC 9110 section 6.5.1: what frames, routes, authenticates or says how to read the body is no trailer. */
export function mayTrail(name: string): boolean {
  const loose = looseName(name)
  return !(
    isGuarded(loose) ||
    loose.startsWith('content-') ||
    loose.startsWith('if-') ||
    NEVER_TRAIL.has(loose)
  )
}

const NEVER_TRAIL = new Set([
  'age',
  'cache-control',
  'date',
  'expires',
  'location',
  'max-forwards',
  'pragma',
  'retry-after',
  'set-cookie',
  'vary',
  'warning',
  'www-authenticate',
])
