// COM_CHANGE_USER: a login in the place of a command. Whoever it is of is asked to prove it as at the first one, on the socket
// that a session let go of; nothing of that session comes into it but where the client is and what it can read.
import { ProtocolError } from '#model'
import { handsOver } from './authenticate.ts'
import {
  attend,
  type ClientLogin,
  type Greeter,
  MOST_LOGIN_BYTES,
  newNonce,
  prove,
  tooSlow,
} from './login.ts'
import { LoginPackets } from './login-packets.ts'
import { type LoginPacket, lastTextOf, NO_ATTRIBUTES, readAttributes } from './messages.ts'
import { capability } from './numbers.ts'
import { PayloadReader } from './payload.ts'

/** The session is over, and its client waits to be asked who it is. */
export interface UserChange {
  readonly login: LoginPacket
  /** What came behind the command. */
  readonly rest: Uint8Array
}

/** `payload`: with the command's byte. Throws ProtocolError('protocol_violation'), which ends the connection. */
export function readChangeUser(payload: Uint8Array, capabilities: number): LoginPacket {
  if (payload.length > MOST_LOGIN_BYTES)
    throw new ProtocolError('protocol_violation', 'a login that is too large')
  const has = (flag: number): boolean => (capabilities & flag) !== 0 && reader.remaining > 0
  const reader = new PayloadReader(payload, 1)
  const user = reader.cstring()
  // (One byte of length, whatever was agreed for the first login.)
  const proof =
    (capabilities & capability.secureConnection) !== 0
      ? reader.bytes(reader.uint8())
      : reader.cbytes()
  const database = reader.cstring()
  // The character set: sessions have one.
  if (reader.remaining > 0) reader.uint16()
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

/**
 * Undefined when there is nobody to serve: the client was told why, and its connection closed. Never rejects for anything
 * that a client does.
 */
export function greetAgain(
  client: ClientLogin,
  { login, rest }: UserChange,
  { gateway, listener }: Greeter,
): Promise<ClientLogin | undefined> {
  const { socket, secured, origin } = client
  const talk = new LoginPackets(socket, 1, rest)
  // A scramble is one of a nonce that was heard before: another is asked for, whatever the plugin.
  const asked = handsOver(login.plugin) ? login : { ...login, plugin: '' }
  const proving = { gateway, listener, packets: talk, nonce: newNonce(), secured, from: origin }
  return attend(
    {
      socket,
      get sequence() {
        return talk.sequence
      },
      timeOut: () => talk.fail(tooSlow()),
      async run() {
        const proven = await prove(asked, proving)
        return { ...client, ...proven, sequence: talk.sequence, rest: talk.detach() }
      },
    },
    gateway,
  )
}
