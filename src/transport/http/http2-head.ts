// Heads of HTTP/2 (RFC 9113 section 8.3), judged by the rules of HTTP/1.1: what comes in by one version may leave by the other,
// and nothing in a value or a pseudo-field may become a line there.

import { randomBytes } from 'node:crypto'
import { fieldName, fieldValue, mayTrail, overrides } from './field-lines.ts'
import { Fields } from './fields.ts'
import type { HttpLimits } from './limits.ts'
import {
  type Framing,
  type Host,
  NO_BODY,
  type RequestHead,
  STREAM,
  type Target,
} from './message.ts'
import { HttpRefusal } from './refusal.ts'
import { checkMethod, lengthFraming } from './request-head.ts'
import { readHost, readTarget, writeHost } from './target.ts'

/** RFC 9113 section 8.2.2. */
const FORBIDDEN = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'transfer-encoding',
  'upgrade',
])
const PSEUDO = new Set([':method', ':scheme', ':authority', ':path', ':protocol'])

/** `raw`: name, value, name, value … as they came. `ended`: no body follows. */
export function readHttp2Head(
  raw: readonly string[],
  ended: boolean,
  limits: HttpLimits,
): RequestHead {
  const pseudo = new Map<string, string>()
  const flat: string[] = []
  let size = 0
  for (let at = 0; at < raw.length; at += 2) {
    const name = raw[at]!
    const value = raw[at + 1]!
    // RFC 9113 section 6.5.2 counts so.
    size += name.length + value.length + 32
    if (size > limits.headBytes) throw new HttpRefusal('head_too_large')
    if (name.startsWith(':')) {
      if (!PSEUDO.has(name) || pseudo.has(name) || flat.length > 0)
        throw new HttpRefusal('field_name')
      pseudo.set(name, value)
    } else flat.push(name, value)
  }
  if (flat.length / 2 > limits.fields) throw new HttpRefusal('fields_too_many')
  const method = pseudo.get(':method') ?? ''
  // RFC 8441: a WebSocket, and nothing else that CONNECT could open.
  const protocol = pseudo.get(':protocol')
  if (protocol === undefined) checkMethod(method)
  else if (method !== 'CONNECT' || protocol !== 'websocket' || ended)
    throw new HttpRefusal('upgrade')
  if (!/^https?$/.test(pseudo.get(':scheme') ?? '')) throw new HttpRefusal('request_line')
  const path = pseudo.get(':path') ?? ''
  if (path.length > limits.targetBytes) throw new HttpRefusal('target_too_long')
  if (!path.startsWith('/') && path !== '*') throw new HttpRefusal('target_form')
  const authority = pseudo.get(':authority')
  const { target } = readTarget(path, protocol === undefined ? method : 'GET', limits.encodedSlash)
  if (protocol === undefined) return headOf(method, target, authority, flat, ended)
  const head = headOf('GET', target, authority, flat, true)
  const { fields } = head
  if (fields.has('sec-websocket-key') || fields.get('sec-websocket-version') !== '13')
    throw new HttpRefusal('upgrade')
  // As HTTP/1.1 asks for it, which is how it goes on (section 5.1 has no key; the answer to ours is checked where it comes back).
  const key = randomBytes(16).toString('base64')
  return {
    ...head,
    fields: new Fields([...fields.flat, 'sec-websocket-key', key]),
    upgrade: protocol,
  }
}

function headOf(
  method: string,
  target: Target,
  authority: string | undefined,
  raw: readonly string[],
  ended: boolean,
): RequestHead {
  const flat: string[] = []
  const cookies: string[] = []
  let length: string | undefined
  let expect: string | undefined
  let host: Host | undefined = authority === undefined ? undefined : readHost(authority)
  let hosts = 0
  for (let at = 0; at < raw.length; at += 2) {
    const name = fieldName(raw[at]!)
    if (name !== raw[at]) throw new HttpRefusal('field_name')
    const value = fieldValue(raw[at + 1]!)
    if (FORBIDDEN.has(name) || (name === 'te' && value.toLowerCase() !== 'trailers'))
      throw new HttpRefusal('field_forbidden')
    const rule = overrides(name)
    if (rule !== undefined) throw new HttpRefusal(rule)
    if (name === 'content-length') {
      if (length !== undefined) throw new HttpRefusal('length_invalid')
      length = value
    } else if (name === 'cookie') cookies.push(value)
    else if (name === 'host') {
      hosts += 1
      if (hosts > 1) throw new HttpRefusal('host_repeated')
      const said = readHost(value)
      if (host !== undefined && writeHost(host) !== writeHost(said))
        throw new HttpRefusal('host_differs')
      host = said
    } else {
      if (name === 'expect') expect = value.toLowerCase()
      flat.push(name, value)
    }
  }
  if (host === undefined) throw new HttpRefusal('host_missing')
  if (expect !== undefined && expect !== '100-continue') throw new HttpRefusal('expectation')
  // RFC 9113 section 8.2.3: they are cut into pieces for compression only.
  if (cookies.length > 0) flat.push('cookie', cookies.join('; '))
  const body = framing(length, ended)
  return {
    version: '2',
    method,
    target,
    host,
    fields: new Fields(['host', writeHost(host), ...flat]),
    body,
    expectContinue: expect !== undefined && body !== NO_BODY,
    close: false,
    upgrade: undefined,
  }
}

function framing(length: string | undefined, ended: boolean): Framing {
  if (length === undefined) return ended ? NO_BODY : STREAM
  const declared = lengthFraming(length)
  if (ended && declared.kind === 'length' && declared.length > 0)
    throw new HttpRefusal('body_missing')
  return declared
}

/** Trailers of either side. */
export function readHttp2Trailers(raw: readonly string[]): Fields {
  const flat: string[] = []
  for (let at = 0; at < raw.length; at += 2) {
    const name = fieldName(raw[at]!)
    if (!mayTrail(name)) throw new HttpRefusal('trailer')
    flat.push(name, fieldValue(raw[at + 1]!))
  }
  return new Fields(flat)
}
