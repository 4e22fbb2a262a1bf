// The first packets of a connection, which have no type byte. Pure: bytes to what they ask, or ProtocolError.
import { ByteReader } from '#engines/wire'
import { ProtocolError } from '#model'
import { requestCodes } from './messages.ts'

/** PostgreSQL's own MAX_STARTUP_PACKET_LENGTH. */
export const MAX_STARTUP_BYTES = 10_000
/** The newest minor version of protocol 3 that we speak. */
export const NEWEST_MINOR = 2
/** Cancel keys have 4 bytes in 3.0, and up to 256 in 3.2. */
const MAX_CANCEL_KEY_BYTES = 256
const MAX_PARAMETERS = 64

export interface StartupMessage {
  readonly kind: 'startup'
  /** What the client asks for: it may be newer than what we speak. */
  readonly minor: number
  /** As sent, each name once. `_pq_.` options are not among them. */
  readonly parameters: ReadonlyMap<string, string>
  /** `_pq_.` options; we know none, and say so by NegotiateProtocolVersion. */
  readonly protocolOptions: readonly string[]
}

export type StartupPacket =
  | { readonly kind: 'ssl' }
  | { readonly kind: 'gss' }
  | { readonly kind: 'cancel'; readonly pid: number; readonly key: Uint8Array }
  | StartupMessage

/** `packet`: with its length, which was checked. */
export function readStartupPacket(packet: Uint8Array): StartupPacket {
  const reader = new ByteReader(packet, 4)
  const version = reader.int32()
  if (version === requestCodes.ssl || version === requestCodes.gss) {
    reader.expectEnd()
    return { kind: version === requestCodes.ssl ? 'ssl' : 'gss' }
  }
  if (version === requestCodes.cancel) {
    const pid = reader.int32()
    const key = reader.rest()
    if (key.length < 4 || key.length > MAX_CANCEL_KEY_BYTES) {
      throw new ProtocolError('protocol_violation', 'a cancel request has an impossible key')
    }
    return { kind: 'cancel', pid, key }
  }
  if (version >> 16 !== 3) {
    throw new ProtocolError(
      'message_unsupported',
      `protocol version ${(version >> 16) & 0xffff}.${version & 0xffff} is not supported; 3.0 and 3.${NEWEST_MINOR} are`,
    )
  }
  return { kind: 'startup', minor: version & 0xffff, ...readParameters(reader) }
}

function readParameters(
  reader: ByteReader,
): Pick<StartupMessage, 'parameters' | 'protocolOptions'> {
  const parameters = new Map<string, string>()
  const protocolOptions: string[] = []
  for (;;) {
    const name = reader.cstring()
    if (name === '') break
    const value = reader.cstring()
    // Two values for one name would let us judge the one and the upstream use the other.
    if (parameters.has(name) || protocolOptions.includes(name)) {
      throw new ProtocolError('protocol_violation', 'a startup parameter is given twice')
    }
    if (name.startsWith('_pq_.')) protocolOptions.push(name)
    else parameters.set(name, value)
    if (parameters.size + protocolOptions.length > MAX_PARAMETERS) {
      throw new ProtocolError('protocol_violation', 'too many startup parameters')
    }
  }
  reader.expectEnd()
  return { parameters, protocolOptions }
}
