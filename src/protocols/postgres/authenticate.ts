// Who is at the other end: a token as password, or SCRAM for an ephemeral credential. Asks the gateway,
// keeps nothing. Says nothing of resources: that comes after.
import { randomBytes } from 'node:crypto'
import type { Duplex } from 'node:stream'
import { ByteReader, typedFrames, utf8 } from '#engines/wire'
import type { Gateway } from '#gateway'
import { AuthenticationFailed, type Origin, type Principal, ProtocolError, Secret } from '#model'
import type { LoginReader } from '#transport'
import { cleartextPasswordRequest, F, saslContinue, saslFinal, saslRequest } from './messages.ts'
import { serverEndPoint } from './scram.ts'
import { createScramServer } from './scram-server.ts'
import type { ClientParameters } from './startup-parameters.ts'

/** A token with all its claims fits; more is no token. */
const MAX_PASSWORD_BYTES = 32 * 1024
const MAX_SASL_BYTES = 4 * 1024

export interface Proving {
  readonly socket: Duplex
  readonly reader: LoginReader
  readonly gateway: Gateway
  readonly origin: Origin
  readonly secured: boolean
  /** True where secrets may cross in the clear: a loopback listener that says so. */
  readonly allowPlaintext: boolean
}

/** Throws AuthenticationFailed, ProtocolError, PeerLeft. A failure is on record when it throws. */
export async function authenticate(client: ClientParameters, proving: Proving): Promise<Principal> {
  const { gateway, origin, secured, allowPlaintext } = proving
  if (!secured && !allowPlaintext) {
    gateway.loginFailed(origin, 'plaintext_refused')
    throw new AuthenticationFailed('plaintext_refused', 'this gateway speaks TLS only', {
      hint: 'use sslmode=require, or better sslmode=verify-full with sslrootcert=PATH_OF_THE_GATEWAYS_CA',
    })
  }
  return gateway.isCredentialId(client.user)
    ? await byScram(client, proving)
    : await byToken(proving)
}

async function byToken({ socket, reader, gateway, origin }: Proving): Promise<Principal> {
  socket.write(cleartextPasswordRequest())
  const body = await passwordMessage(reader, MAX_PASSWORD_BYTES)
  const end = body.indexOf(0)
  if (end !== body.length - 1)
    throw new ProtocolError('protocol_violation', 'a malformed password message')
  if (end === 0) {
    gateway.loginFailed(origin, 'token_required')
    throw new AuthenticationFailed(
      'token_required',
      'the password is empty: give an access token',
      {
        hint: 'PGPASSWORD=TOKEN, or a credential of: sallyport credential RESOURCE',
      },
    )
  }
  const token = new Secret(body.subarray(0, end))
  body.fill(0)
  try {
    return await gateway.authenticate(token, origin)
  } finally {
    token.wipe()
  }
}

async function byScram(client: ClientParameters, proving: Proving): Promise<Principal> {
  const { socket, reader, gateway, origin, secured } = proving
  const login = gateway.ephemeral(client.user)
  const binding = secured ? serverEndPoint(gateway.tls().certificate) : undefined
  const scram = createScramServer(login.verifier, binding, randomBytes(24).toString('base64'))
  socket.write(saslRequest(scram.mechanisms))

  const initial = new ByteReader(await passwordMessage(reader, MAX_SASL_BYTES))
  const mechanism = initial.cstring()
  const first = utf8(initial.bytes(initial.uint32()))
  initial.expectEnd()
  socket.write(saslContinue(scram.first(mechanism, first)))

  const final = utf8(await passwordMessage(reader, MAX_SASL_BYTES))
  let proof: string
  try {
    proof = scram.final(final)
  } catch (error) {
    login.reject(origin) // wrong, or malformed on purpose: either is on record
    throw error
  }
  const principal = await login.accept(client.resource, origin)
  socket.write(saslFinal(proof))
  return principal
}

/** The body of the only message that is expected here; any other type ends the login (peers.md 2, no. 19). */
async function passwordMessage(reader: LoginReader, maxBytes: number): Promise<Uint8Array> {
  const [type] = await reader.peek(1)
  if (type !== F.password) {
    throw new ProtocolError('protocol_violation', 'expected a password message')
  }
  const frame = await reader.frame(typedFrames, maxBytes)
  return frame.subarray(5)
}
