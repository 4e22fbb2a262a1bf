// Messages that either side may write or must read, by their fields. Pure: bytes to values and back.
import { ProtocolError } from '#model'
import { capability, status, UTF8MB4 } from './numbers.ts'
import { PayloadReader, PayloadWriter } from './payload.ts'

/** A server's first packet (HandshakeV10). */
export interface Greeting {
  readonly version: string
  readonly connectionId: number
  /** 20 bytes, none of them zero. */
  readonly nonce: Uint8Array
  readonly capabilities: number
  readonly status: number
  readonly plugin: string
}

export function writeGreeting({ version, connectionId, nonce, ...rest }: Greeting): Uint8Array {
  return new PayloadWriter()
    .uint8(10)
    .cstring(version)
    .uint32(connectionId)
    .bytes(nonce.subarray(0, 8))
    .uint8(0)
    .uint16(rest.capabilities)
    .uint8(UTF8MB4)
    .uint16(rest.status)
    .uint16(rest.capabilities >>> 16)
    .uint8(nonce.length + 1)
    .zeros(10)
    .bytes(nonce.subarray(8))
    .uint8(0)
    .cstring(rest.plugin)
    .finish()
}

/** Throws ProtocolError. */
export function readGreeting(payload: Uint8Array): Greeting {
  const reader = new PayloadReader(payload)
  if (reader.uint8() !== 10) throw new ProtocolError('protocol_violation', 'an unknown greeting')
  const version = Buffer.from(reader.cbytes()).toString('latin1')
  const connectionId = reader.uint32()
  const first = reader.bytes(8)
  reader.bytes(1)
  const low = reader.uint16()
  reader.uint8()
  const flags = reader.uint16()
  const capabilities = (low | (reader.uint16() << 16)) >>> 0
  const length = reader.uint8()
  reader.bytes(10)
  const second = reader.bytes(Math.max(13, length - 8))
  const plugin =
    (capabilities & capability.pluginAuth) === 0 ? 'mysql_native_password' : lastText(reader)
  const nonce = Buffer.concat([first, second.subarray(0, 12)])
  return { version, connectionId, nonce, capabilities, status: flags, plugin }
}

/** Some servers leave out the zero at the end. */
function lastText(reader: PayloadReader): string {
  const text = Buffer.from(reader.rest()).toString('latin1')
  const zero = text.indexOf('\0')
  return zero === -1 ? text : text.slice(0, zero)
}

/** A client's answer (HandshakeResponse41). */
export interface LoginPacket {
  readonly capabilities: number
  readonly user: string
  /** What the plugin says first: a scramble, a password, a token. */
  readonly proof: Uint8Array
  readonly database: string | undefined
  readonly plugin: string
  readonly attributes: ReadonlyMap<string, string>
}

const MOST_PACKET = 0x40000000
const SSL_REQUEST_BYTES = 32
/** Bytes of all attributes: servers take as much. */
const MOST_ATTRIBUTES = 64 * 1024

/** `attributes` are claims: what of them cannot be read is nothing. Throws ProtocolError for the rest. */
export function readLoginPacket(payload: Uint8Array): LoginPacket | 'tls' {
  const reader = new PayloadReader(payload)
  const capabilities = reader.uint32()
  if ((capabilities & capability.protocol41) === 0)
    throw new ProtocolError('message_unsupported', 'the client is older than the 4.1 protocol')
  reader.uint32()
  reader.uint8()
  reader.bytes(23)
  if (payload.length === SSL_REQUEST_BYTES) {
    if ((capabilities & capability.ssl) !== 0) return 'tls'
    throw new ProtocolError('protocol_violation', 'a login packet without a user')
  }
  const user = reader.cstring()
  const proof =
    (capabilities & capability.lenencAuthData) !== 0
      ? reader.lenencBytes()
      : (capabilities & capability.secureConnection) !== 0
        ? reader.bytes(reader.uint8())
        : reader.cbytes()
  const has = (flag: number): boolean => (capabilities & flag) !== 0 && reader.remaining > 0
  const database = has(capability.connectWithDb) ? reader.cstring() : ''
  const plugin = has(capability.pluginAuth) ? lastTextOf(reader) : ''
  const attributes = has(capability.connectAttributes) ? readAttributes(reader) : NO_ATTRIBUTES
  return {
    capabilities,
    user,
    proof: Uint8Array.from(proof),
    database: database === '' ? undefined : database,
    plugin,
    attributes,
  }
}

export const NO_ATTRIBUTES: ReadonlyMap<string, string> = new Map()

/** The name may end with its packet. */
export function lastTextOf(reader: PayloadReader): string {
  const at = reader.at
  try {
    return reader.cstring()
  } catch (error) {
    // Safe: without an end mark the rest of the packet is the name, as servers take it.
    if (!(error instanceof ProtocolError) || reader.at !== at) throw error
    return Buffer.from(reader.rest()).toString('latin1')
  }
}

export function readAttributes(reader: PayloadReader): ReadonlyMap<string, string> {
  const attributes = new Map<string, string>()
  const length = reader.count()
  if (length > MOST_ATTRIBUTES) throw new ProtocolError('protocol_violation', 'too many attributes')
  const inner = new PayloadReader(reader.bytes(length))
  while (inner.remaining > 0) attributes.set(inner.lenencText(), inner.lenencText())
  return attributes
}

function loginHead(capabilities: number): PayloadWriter {
  return new PayloadWriter().uint32(capabilities).uint32(MOST_PACKET).uint8(UTF8MB4).zeros(23)
}

export function writeSslRequest(capabilities: number): Uint8Array {
  return loginHead(capabilities | capability.ssl).finish()
}

export function writeLoginPacket(login: LoginPacket): Uint8Array {
  const { capabilities, user, proof, database, plugin, attributes } = login
  const writer = loginHead(capabilities).cstring(user)
  if ((capabilities & capability.lenencAuthData) !== 0) writer.lenencBytes(proof)
  else writer.uint8(proof.length).bytes(proof)
  if ((capabilities & capability.connectWithDb) !== 0) writer.cstring(database ?? '')
  writer.cstring(plugin)
  if ((capabilities & capability.connectAttributes) !== 0) {
    const inner = new PayloadWriter()
    for (const [name, value] of attributes) inner.lenencText(name).lenencText(value)
    writer.lenencBytes(inner.finish())
  }
  return writer.finish()
}

export function writeAuthSwitch(plugin: string, nonce: Uint8Array): Uint8Array {
  return new PayloadWriter().uint8(0xfe).cstring(plugin).bytes(nonce).uint8(0).finish()
}

export function writeAuthMore(data: Uint8Array): Uint8Array {
  return new PayloadWriter().uint8(0x01).bytes(data).finish()
}

export interface Ok {
  readonly affectedRows: number
  readonly insertId: Uint8Array
  readonly status: number
  readonly warnings: number
  readonly info: Uint8Array
  readonly changes: readonly StateChange[]
}

/** What a server says that changed in its session. */
export type StateChange =
  | { readonly kind: 'variable'; readonly name: string; readonly value: string }
  | { readonly kind: 'schema'; readonly name: string }

/**
 * An OK, by whatever first byte, of a session that tracks its state. Undefined: malformed. `insertId` stays as it is
 * written: it may be larger than any number of ours.
 */
export function readOk(bytes: Uint8Array, start: number, end: number): Ok | undefined {
  // (Most rows end so: nothing inserted, no text, nothing changed.)
  if (end - start === 7 && (bytes[start + 1] as number) < 0xfb && bytes[start + 2] === 0) {
    return {
      affectedRows: bytes[start + 1] as number,
      insertId: NO_ID,
      status: (bytes[start + 3] as number) | ((bytes[start + 4] as number) << 8),
      warnings: (bytes[start + 5] as number) | ((bytes[start + 6] as number) << 8),
      info: NO_INFO,
      changes: NO_CHANGES,
    }
  }
  try {
    const reader = new PayloadReader(bytes, start + 1, end)
    const affectedRows = reader.count()
    const idStart = reader.at
    reader.count()
    const insertId = bytes.subarray(idStart, reader.at)
    const flags = reader.uint16()
    const warnings = reader.uint16()
    const info = reader.remaining > 0 ? reader.lenencBytes() : new Uint8Array(0)
    const changes: StateChange[] = []
    if ((flags & status.sessionStateChanged) !== 0 && reader.remaining > 0)
      readChanges(new PayloadReader(reader.lenencBytes()), changes)
    reader.expectEnd()
    return { affectedRows, insertId, status: flags, warnings, info, changes }
  } catch (error) {
    // Safe: who asked ends the session for it.
    if (error instanceof ProtocolError) return undefined
    throw error
  }
}

function readChanges(reader: PayloadReader, changes: StateChange[]): void {
  while (reader.remaining > 0) {
    const kind = reader.uint8()
    const inner = new PayloadReader(reader.lenencBytes())
    if (kind === 0) {
      // (MariaDB writes several into one.)
      while (inner.remaining > 0)
        changes.push({ kind: 'variable', name: inner.lenencText(), value: inner.lenencText() })
    } else if (kind === 1) changes.push({ kind: 'schema', name: inner.lenencText() })
  }
}

/** As a session that tracks no state writes it. */
export function writeOk(
  ok: Pick<Ok, 'affectedRows' | 'insertId' | 'status' | 'warnings' | 'info'>,
): Uint8Array {
  const writer = new PayloadWriter()
    .uint8(0)
    .lenenc(ok.affectedRows)
    .bytes(ok.insertId)
    .uint16(ok.status & ~status.sessionStateChanged)
    .uint16(ok.warnings)
  // Behind its length, whatever the manual says: servers write it so, and clients read it so.
  if (ok.info.length > 0) writer.lenenc(ok.info.length).bytes(ok.info)
  return writer.finish()
}

const NO_ID = Uint8Array.of(0)
const NO_INFO = new Uint8Array(0)
const NO_CHANGES: readonly StateChange[] = []

export function plainOk(flags: number): Uint8Array {
  return writeOk({ affectedRows: 0, insertId: NO_ID, status: flags, warnings: 0, info: NO_INFO })
}

export interface ErrorPacket {
  readonly code: number
  readonly state: string
  readonly message: string
}

/** Undefined: malformed. Before the login is done a server may leave out the state. */
export function readError(bytes: Uint8Array, start: number, end: number): ErrorPacket | undefined {
  if (end - start < 3) return undefined
  const code = (bytes[start + 1] as number) | ((bytes[start + 2] as number) << 8)
  const text = Buffer.from(bytes.buffer, bytes.byteOffset + start + 3, end - start - 3)
  const marked = text[0] === 0x23 && text.length >= 6
  return {
    code,
    state: marked ? text.toString('latin1', 1, 6) : 'HY000',
    message: text.toString('utf8', marked ? 6 : 0),
  }
}

export function writeError({ code, state, message }: ErrorPacket): Uint8Array {
  return new PayloadWriter().uint8(0xff).uint16(code).text(`#${state}`).text(message).finish()
}
