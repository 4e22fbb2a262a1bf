// Who is at the other end: a token, or the secret of an ephemeral credential, as the password. The client hands it
// over whole, inside TLS: what is kept of a credential cannot check a scramble. Asks the gateway, keeps nothing.
import { utf8 } from '#engines/wire'
import type { Gateway } from '#gateway'
import {
  AuthenticationFailed,
  InvalidRequest,
  type Origin,
  type Principal,
  ProtocolError,
  Secret,
} from '#model'
import type { Target } from './login.ts'
import type { LoginPackets } from './login-packets.ts'
import { type LoginPacket, writeAuthMore, writeAuthSwitch } from './messages.ts'
import { PayloadReader } from './payload.ts'

/** A token with all its claims fits; more is no token. */
const MOST_PASSWORD_BYTES = 32 * 1024
/** caching_sha2_password: "send the password itself". */
const FULL_AUTHENTICATION = Uint8Array.of(4)

const SHA2 = 'caching_sha2_password'
const CLEAR = 'mysql_clear_password'
const OPENID = 'authentication_openid_connect_client'

/** Whether its first word is the password itself, or a token: what no nonce goes into. */
export function handsOver(plugin: string): boolean {
  return plugin === CLEAR || plugin === OPENID
}

export interface Asking {
  readonly packets: LoginPackets
  readonly gateway: Gateway
  readonly origin: Origin
  readonly nonce: Uint8Array
  readonly secured: boolean
  /** True where secrets may cross in the clear: a loopback listener that says so. */
  readonly allowPlaintext: boolean
}

/** Throws AuthenticationFailed, ProtocolError, PeerLeft. A failure is on record when it throws. */
export async function authenticate(
  login: LoginPacket,
  { user, resource }: Target,
  asking: Asking,
): Promise<Principal> {
  const { gateway, origin, secured, allowPlaintext } = asking
  if (!secured && !allowPlaintext) {
    gateway.loginFailed(origin, 'plaintext_refused')
    throw new AuthenticationFailed('plaintext_refused', 'this gateway speaks TLS only', {
      hint: 'use --ssl-mode=VERIFY_IDENTITY, or --ssl --ssl-verify-server-cert, and --ssl-ca=PATH_OF_THE_GATEWAYS_CA',
    })
  }
  const given = await passwordOf(login, asking)
  if (given.length === 0) {
    gateway.loginFailed(origin, 'token_required')
    throw new AuthenticationFailed(
      'token_required',
      'the password is empty: give an access token',
      { hint: 'MYSQL_PWD=TOKEN, or a credential of: sallyport credential RESOURCE' },
    )
  }
  utf8(given) // (else it is no token, and no secret of ours)
  const secret = new Secret(given)
  given.fill(0)
  try {
    if (!gateway.isCredentialId(user)) return await gateway.authenticate(secret, origin)
    if (resource === undefined)
      throw new InvalidRequest('resource_unknown', 'the login names no resource', {
        hint: 'a credential is for one resource: give it as the database, or ID@RESOURCE as the user',
      })
    const credential = gateway.ephemeral(user)
    if (await credential.matches(secret)) return await credential.accept(resource, origin)
    credential.reject(origin)
    throw new AuthenticationFailed('credential_invalid', 'the credential is wrong, or has ended')
  } finally {
    secret.wipe()
  }
}

async function passwordOf(login: LoginPacket, asking: Asking): Promise<Uint8Array> {
  const { packets, nonce, secured } = asking
  let { plugin, proof } = login
  if (plugin === OPENID && secured) return tokenOf(proof)
  if (plugin !== CLEAR && (plugin !== SHA2 || !secured)) {
    // Without TLS a client of the other plugin seals the password with a key of ours, and a token is too long for that.
    plugin = secured ? SHA2 : CLEAR
    packets.send(writeAuthSwitch(plugin, nonce))
    proof = await packets.next(MOST_PASSWORD_BYTES)
  }
  if (plugin === CLEAR) return ended(proof)
  // An empty password is said as nothing, or as its end.
  if (proof.length < 2) return new Uint8Array(0)
  packets.send(writeAuthMore(FULL_AUTHENTICATION))
  return ended(await packets.next(MOST_PASSWORD_BYTES))
}

/** Without the zero at its end. */
function ended(text: Uint8Array): Uint8Array {
  if (text.length > 0 && text.indexOf(0) === text.length - 1) return text.subarray(0, -1)
  if (text.includes(0)) throw new ProtocolError('protocol_violation', 'a malformed password')
  return text
}

/** A capability byte, and the token behind its length. */
function tokenOf(proof: Uint8Array): Uint8Array {
  if (proof.length === 0) return proof
  const reader = new PayloadReader(proof)
  if (reader.uint8() !== 1) throw new ProtocolError('protocol_violation', 'a malformed token')
  const token = reader.lenencBytes()
  reader.expectEnd()
  return token
}
