// Our side of SCRAM towards a client: checks a proof against a verifier. Holds no secret; pure.
import type { ScramVerifier } from '#gateway'
import {
  attributes,
  base64,
  equal,
  fromBase64,
  hmac,
  isNonce,
  KEY_BYTES,
  SCRAM,
  SCRAM_PLUS,
  sha256,
  violation,
  wrongSecret,
  xor,
} from './scram.ts'

export interface ScramServer {
  /** What the client may choose from, best first. */
  readonly mechanisms: readonly string[]
  /** client-first-message → server-first-message. Throws ProtocolError. */
  first(mechanism: string, message: string): string
  /** client-final-message → server-final-message. Throws AuthenticationFailed for a wrong proof, else ProtocolError. */
  final(message: string): string
}

/**
 * `binding`: our certificate's `tls-server-end-point` where the connection is TLS.
 * `nonce`: ours, at least 18 random bytes as base64.
 */
export function createScramServer(
  verifier: ScramVerifier,
  binding: Uint8Array | undefined,
  nonce: string,
): ScramServer {
  let gs2 = ''
  let clientFirstBare = ''
  let serverFirst = ''
  let bound = false
  let fullNonce = ''

  return {
    mechanisms: binding === undefined ? [SCRAM] : [SCRAM_PLUS, SCRAM],

    first(mechanism, message) {
      if (serverFirst !== '') throw violation('a second first message')
      if (mechanism !== SCRAM && mechanism !== SCRAM_PLUS) throw violation('unknown mechanism')
      bound = mechanism === SCRAM_PLUS
      if (bound && binding === undefined) throw violation('mechanism was not offered')
      gs2 = gs2Header(message, bound, binding !== undefined)
      clientFirstBare = message.slice(gs2.length)
      // The user name in here is ignored, as PostgreSQL does: the startup packet has named the user.
      const [, clientNonce] = attributes(clientFirstBare, 'nr') ?? []
      if (clientNonce === undefined || !isNonce(clientNonce))
        throw violation('malformed first message')
      fullNonce = clientNonce + nonce
      serverFirst = `r=${fullNonce},s=${base64(verifier.salt)},i=${verifier.iterations}`
      return serverFirst
    },

    final(message) {
      if (serverFirst === '') throw violation('a final message before the first')
      const [channel, echoed, proofText] = attributes(message, 'crp') ?? []
      if (channel === undefined || echoed === undefined || proofText === undefined) {
        throw violation('malformed final message')
      }
      const proof = fromBase64(proofText)
      if (proof === undefined || proof.length !== KEY_BYTES) throw violation('malformed proof')
      const expected = Buffer.concat([
        Buffer.from(gs2),
        bound && binding !== undefined ? binding : new Uint8Array(0),
      ])
      const given = fromBase64(channel)
      if (given === undefined || !equal(given, expected)) {
        throw violation('the channel binding does not match: somebody stands between')
      }
      if (echoed !== fullNonce) throw violation('the nonce does not match')
      const authMessage = `${clientFirstBare},${serverFirst},c=${channel},r=${echoed}`
      const clientKey = xor(proof, hmac(verifier.storedKey, authMessage))
      serverFirst = '' // one attempt
      if (!equal(sha256(clientKey), verifier.storedKey)) throw wrongSecret()
      return `v=${base64(hmac(verifier.serverKey, authMessage))}`
    },
  }
}

/** RFC 5802 section 6: what the client says of channel binding, against what we offered. */
function gs2Header(message: string, bound: boolean, offered: boolean): string {
  const header = /^(n|y|p=[A-Za-z0-9.-]+),([^,]*),/.exec(message)
  if (header === null) throw violation('malformed GS2 header')
  const [all, flag, authorization] = header
  if (authorization !== '') throw violation('acting as another user is not supported')
  if (bound && flag !== 'p=tls-server-end-point') throw violation('wrong channel binding type')
  if (!bound && flag?.startsWith('p=')) throw violation('channel binding without its mechanism')
  // `y` says: I could, but you did not offer it. We did, so somebody took it out of our list.
  if (!bound && flag === 'y' && offered)
    throw violation('the offer of channel binding was removed on the way')
  return all
}
