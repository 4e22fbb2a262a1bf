// The request target (RFC 9112 section 3.2) and the host, judged once. A path that servers read differently is refused, not
// repaired: what is decided about and what the upstream acts upon are the same characters.
import { isIPv6 } from 'node:net'
import type { Host, Target } from './message.ts'
import { HttpRefusal, type HttpRule } from './refusal.ts'

/** Nothing in it to decode, to escape or to doubt. */
const PLAIN =
  /^\/(?:(?!\.{1,2}(?:\/|$))[A-Za-z0-9\-._~!$&'()*+,=:@]+(?:\/(?!\.{1,2}(?:\/|$))[A-Za-z0-9\-._~!$&'()*+,=:@]+)*\/?)?$/
/** Printable ASCII: more than RFC 3986 lets into a query, and what clients send there. */
const QUERY = /^[!"$-~]*$/
const UNRESERVED = /[A-Za-z0-9\-._~]/
const IN_PATH = /[A-Za-z0-9\-._~!$&'()*+,;=:@]/

/** Method and default of the host's port do not matter here. */
export function readTarget(
  text: string,
  method: string,
  encodedSlash = false,
): { readonly target: Target; readonly authority: string | undefined } {
  if (text.startsWith('/')) return { target: originForm(text, encodedSlash), authority: undefined }
  if (text === '*') {
    if (method !== 'OPTIONS') throw new HttpRefusal('target_form')
    return { target: { path: '*', query: undefined }, authority: undefined }
  }
  const absolute = /^https?:\/\/([^/?#]*)([\s\S]*)$/i.exec(text)
  if (absolute === null) throw new HttpRefusal('target_form')
  const rest = absolute[2]!
  // RFC 9112 section 3.2.2: without a path it is `/`.
  const target = originForm(rest.startsWith('/') ? rest : `/${rest}`, encodedSlash)
  return { target, authority: absolute[1]! }
}

function originForm(text: string, encodedSlash: boolean): Target {
  const mark = text.indexOf('?')
  const path = mark === -1 ? text : text.slice(0, mark)
  const query = mark === -1 ? undefined : text.slice(mark + 1)
  if (query !== undefined) checkQuery(query)
  return { path: PLAIN.test(path) ? path : normalise(path, encodedSlash), query }
}

function checkQuery(query: string): void {
  if (!QUERY.test(query)) throw new HttpRefusal('target_character')
  if (!query.includes('%')) return
  if (/%(?![0-9A-Fa-f]{2})/.test(query)) throw new HttpRefusal('target_escape')
  if (query.includes('%00')) throw new HttpRefusal('target_encoded_separator')
}

function normalise(path: string, encodedSlash: boolean): string {
  let out = ''
  for (let at = 0; at < path.length; at += 1) {
    const character = path[at]!
    if (character === '/' || IN_PATH.test(character)) out += character
    else if (character === '%') {
      out += unescaped(path.slice(at + 1, at + 3), encodedSlash)
      at += 2
    } else if (character > ' ' && character <= '~' && character !== '\\' && character !== '#')
      // WHATWG URL escapes these too: some clients send them bare.
      out += `%${character.charCodeAt(0).toString(16).toUpperCase()}`
    else throw new HttpRefusal('target_character')
  }
  const wrong = doubt(out)
  if (wrong !== undefined) throw new HttpRefusal(wrong)
  return out
}

/** RFC 3986 section 6.2.2: unreserved characters are themselves, other escapes are upper case. */
function unescaped(digits: string, encodedSlash: boolean): string {
  if (!/^[0-9A-Fa-f]{2}$/.test(digits)) throw new HttpRefusal('target_escape')
  const code = digits.toUpperCase()
  if ((code === '2F' && !encodedSlash) || code === '5C' || code === '00')
    throw new HttpRefusal('target_encoded_separator')
  const character = String.fromCharCode(Number.parseInt(code, 16))
  return UNRESERVED.test(character) ? character : `%${code}`
}

function doubt(path: string): HttpRule | undefined {
  // Decoded twice, these are separators and dots.
  if (/%25(?:2F|5C|00|2E)/i.test(path)) return 'target_encoded_separator'
  const segments = path.slice(1).split('/')
  for (const [index, segment] of segments.entries()) {
    // Tomcat and its kin take `;…` off before they look at dots and at emptiness.
    const last = index === segments.length - 1
    // Whoever takes an escaped slash for one finds neither dots nor nothing beside it.
    for (const piece of segment.split('%2F')) {
      const bare = piece.split(/;|%3B/)[0]!
      if (bare === '.' || bare === '..') return 'target_dot_segment'
      if (bare === '' && !(last && segment === '')) return 'target_empty_segment'
    }
  }
  return undefined
}

const NAME = /^[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?(?:\.[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?)*$/

/** RFC 9110 section 7.2. No user information, no empty port, no trailing dot. */
export function readHost(text: string): Host {
  const parts = /^(?:\[([0-9A-Fa-f:.]+)\]|([^:[\]]+))(?::([0-9]{1,5}))?$/.exec(text)
  if (parts === null) throw new HttpRefusal('host_invalid')
  const [, address, given, digits] = parts
  const name = (address ?? given)!.toLowerCase()
  const valid = address === undefined ? name.length <= 253 && NAME.test(name) : isIPv6(name)
  const port = digits === undefined ? undefined : Number(digits)
  if (!valid || (port !== undefined && (port === 0 || port > 65_535 || digits!.startsWith('0'))))
    throw new HttpRefusal('host_invalid')
  return { name, port }
}

/** As the Host field says it. */
export function writeHost(host: Host): string {
  const name = host.name.includes(':') ? `[${host.name}]` : host.name
  return host.port === undefined ? name : `${name}:${host.port}`
}
