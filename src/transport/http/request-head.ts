// The head of an HTTP/1.x request to what is judged (RFC 9112). The checks of fields serve HTTP/2 as well.

import { overrides, readFieldLines } from './field-lines.ts'
import { Fields, looseName } from './fields.ts'
import { isOfConnection } from './forwarding.ts'
import type { HttpLimits } from './limits.ts'
import { type Framing, type Host, NO_BODY, type RequestHead, STREAM } from './message.ts'
import { HttpRefusal } from './refusal.ts'
import { readHost, readTarget, writeHost } from './target.ts'

const METHOD = /^[A-Z]{1,32}(?:-[A-Z]{1,32})*$/

/** `text` is latin1, without the empty line that ends it. */
export function readRequestHead(text: string, limits: HttpLimits): RequestHead {
  const line = text.indexOf('\r\n')
  const { method, target, version } = requestLine(line === -1 ? text : text.slice(0, line), limits)
  const seen = new FieldsOfRequest(version)
  if (line !== -1) readFieldLines(text, line + 2, limits.fields, seen.take)
  const judged = readTarget(target, method, limits.encodedSlash)
  const host = seen.host
  if (host === undefined && version !== '1.0') throw new HttpRefusal('host_missing')
  if (judged.authority !== undefined) agree(judged.authority, host)
  const body = seen.framing()
  const connection = seen.connection
  seen.checkNamed()
  return {
    version,
    method,
    target: judged.target,
    host,
    fields: new Fields(seen.flat),
    body,
    expectContinue: seen.expectation() && version !== '1.0' && body !== NO_BODY,
    close: version === '1.0' || connection.includes('close'),
    upgrade: upgradeOf(seen, connection, version, body),
  }
}

function requestLine(line: string, limits: HttpLimits) {
  const first = line.indexOf(' ')
  const last = line.lastIndexOf(' ')
  if (first <= 0 || last <= first + 1) throw new HttpRefusal(lineRule(line))
  const method = line.slice(0, first)
  const target = line.slice(first + 1, last)
  const name = line.slice(last + 1)
  checkMethod(method)
  if (name !== 'HTTP/1.1' && name !== 'HTTP/1.0')
    throw new HttpRefusal(/^HTTP\/\d\.\d$/.test(name) ? 'version' : lineRule(line))
  if (target.length > limits.targetBytes) throw new HttpRefusal('target_too_long')
  const version = name === 'HTTP/1.1' ? '1.1' : '1.0'
  return { method, target, version } as const
}

function lineRule(line: string) {
  return /[\r\n]/.test(line) ? 'line_ending' : 'request_line'
}

export function checkMethod(method: string): void {
  if (!METHOD.test(method)) throw new HttpRefusal('method')
  // A tunnel to anywhere, an echo of the headers with what we add, and HTTP/2's own first word.
  if (method === 'CONNECT' || method === 'TRACE' || method === 'PRI')
    throw new HttpRefusal('method_unsupported')
}

/** RFC 9112 section 3.2.2: the target goes before the Host field; here they say the same, or nobody is served. */
function agree(authority: string, host: Host | undefined): void {
  const named = readHost(authority)
  if (host === undefined || writeHost(named) !== writeHost(host))
    throw new HttpRefusal('host_differs')
}

/** Collects, and refuses what may be there once or not at all. */
class FieldsOfRequest {
  readonly flat: string[] = []
  readonly connection: string[] = []
  host: Host | undefined
  #length: string | undefined
  #encoding: string | undefined
  #expect: string | undefined
  readonly #version: string

  constructor(version: string) {
    this.#version = version
  }

  readonly take = (name: string, value: string): void => {
    switch (name) {
      case 'content-length':
        if (this.#length !== undefined) throw new HttpRefusal('length_invalid')
        this.#length = value
        return
      case 'transfer-encoding':
        if (this.#encoding !== undefined) throw new HttpRefusal('transfer_encoding')
        this.#encoding = value
        return
      case 'host':
        if (this.host !== undefined) throw new HttpRefusal('host_repeated')
        this.host = readHost(value)
        break
      case 'connection':
        for (const option of value.split(',')) this.connection.push(option.trim().toLowerCase())
        break
      case 'expect':
        if (this.#expect !== undefined) throw new HttpRefusal('expectation')
        this.#expect = value.toLowerCase()
        break
      default: {
        const rule = name.startsWith('x-') ? overrides(name) : undefined
        if (rule !== undefined) throw new HttpRefusal(rule)
      }
    }
    this.flat.push(name, value)
  }

  /** Whoever forwards takes out what Connection names (RFC 9110 section 7.6.1): nothing that is judged is to be gone then. */
  checkNamed(): void {
    for (const option of this.connection) {
      const loose = looseName(option)
      if (isOfConnection(loose)) continue
      for (let at = 0; at < this.flat.length; at += 2)
        if (looseName(this.flat[at]!) === loose) throw new HttpRefusal('field_named')
    }
  }

  /** RFC 9112 section 6.3, and nothing of what it lets a recipient repair. */
  framing(): Framing {
    if (this.#encoding !== undefined) {
      if (this.#length !== undefined) throw new HttpRefusal('length_and_encoding')
      if (this.#version === '1.0' || this.#encoding.toLowerCase() !== 'chunked')
        throw new HttpRefusal('transfer_encoding')
      return STREAM
    }
    return this.#length === undefined ? NO_BODY : lengthFraming(this.#length)
  }

  expectation(): boolean {
    if (this.#expect === undefined) return false
    if (this.#expect !== '100-continue') throw new HttpRefusal('expectation')
    return true
  }
}

const LENGTH = /^(?:0|[1-9][0-9]{0,14})$/
const EMPTY: Framing = { kind: 'length', length: 0 }

export function lengthFraming(value: string): Framing {
  if (!LENGTH.test(value)) throw new HttpRefusal('length_invalid')
  return value === '0' ? EMPTY : { kind: 'length', length: Number(value) }
}

/** Asked for as a whole, or not asked for (RFC 9110 section 7.8 lets us ignore it). HTTP/2 in the clear is never spoken by this. */
function upgradeOf(
  seen: FieldsOfRequest,
  connection: readonly string[],
  version: string,
  body: Framing,
): string | undefined {
  if (!connection.includes('upgrade') || version === '1.0') return undefined
  const asked = new Fields(seen.flat).all('upgrade')
  const protocol = asked.length === 1 ? asked[0]!.toLowerCase() : undefined
  if (protocol === undefined || !/^[a-z0-9.+-]+(?:\/[a-z0-9.]+)?$/.test(protocol)) return undefined
  if (protocol === 'h2c' || protocol.startsWith('tls/')) return undefined
  // What comes behind the head would be read as the body by one and as the other protocol by another.
  if (body.kind === 'stream' || (body.kind === 'length' && body.length > 0))
    throw new HttpRefusal('upgrade')
  return protocol
}
