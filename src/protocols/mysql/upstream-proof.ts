// Our proof at the protected server, by whichever plugin it asks for. A server that asks for more than its way in
// warrants (the password in the clear, a password for a key of its own) is refused. No I/O.
import { type Secret, UpstreamError } from '#model'
import { ed25519Proof } from './ed25519.ts'
import { PayloadReader } from './payload.ts'
import { nativeScramble, sealedPassword, sha2Scramble } from './scrambles.ts'

/** A server may try the plugins of an account in turn; none has more than a few. */
const MOST_SWITCHES = 4

export interface ProofParts {
  readonly password: Secret | undefined
  readonly secured: boolean
  /** The server's RSA key, as the operator gave it. */
  readonly serverKey: string | undefined
}

export class UpstreamProof {
  readonly #parts: ProofParts
  #plugin: string
  #nonce: Uint8Array
  #switches = 0
  #sent = false

  constructor(parts: ProofParts, plugin: string, nonce: Uint8Array) {
    this.#parts = parts
    this.#plugin = plugin
    this.#nonce = nonce
  }

  get plugin(): string {
    return this.#plugin
  }

  /** What stands in the login packet. Nothing, where it would show the password: a server asks again. */
  first(): Uint8Array {
    return this.#plugin === 'mysql_native_password' || this.#plugin === 'caching_sha2_password'
      ? this.#begin()
      : new Uint8Array(0)
  }

  /** AuthSwitchRequest, without its first byte. Throws UpstreamError, ProtocolError. */
  change(body: Uint8Array): Uint8Array {
    this.#switches += 1
    if (this.#switches > MOST_SWITCHES) throw refused('it asks for one proof after another')
    if (body.length === 0) throw refused('it asks for a proof of before version 4.1')
    const reader = new PayloadReader(body)
    this.#plugin = Buffer.from(reader.cbytes()).toString('latin1')
    const rest = reader.rest()
    this.#nonce = rest.at(-1) === 0 ? rest.subarray(0, -1) : rest
    this.#sent = false
    return this.#begin()
  }

  /** AuthMoreData, without its first byte; undefined: nothing is to be said. Throws UpstreamError. */
  more(body: Uint8Array): Uint8Array | undefined {
    const [first] = body
    if (this.#plugin !== 'caching_sha2_password' || body.length !== 1)
      throw refused('it asks for more than its plugin does')
    if (first === 3) return undefined
    if (first !== 4 || this.#sent) throw refused('it asks for more than its plugin does')
    this.#sent = true
    const { secured, serverKey } = this.#parts
    if (secured) return this.#clear()
    if (serverKey === undefined)
      throw new UpstreamError(
        'upstream_refused',
        'the database wants the password itself, and the way to it is not secured',
        { hint: 'use TLS, or give the server’s public key as upstream.serverKey' },
      )
    try {
      return sealedPassword(this.#password, this.#nonce, serverKey)
    } catch (cause) {
      throw new UpstreamError('upstream_refused', 'upstream.serverKey is no RSA key', { cause })
    }
  }

  get #password(): Uint8Array {
    return this.#parts.password?.bytes() ?? new Uint8Array(0)
  }

  #clear(): Uint8Array {
    return Buffer.concat([this.#password, Uint8Array.of(0)])
  }

  #begin(): Uint8Array {
    switch (this.#plugin) {
      case 'mysql_native_password':
        return nativeScramble(this.#password, this.#nonce.subarray(0, 20))
      case 'caching_sha2_password':
        return sha2Scramble(this.#password, this.#nonce.subarray(0, 20))
      case 'client_ed25519':
        return ed25519Proof(this.#password, this.#nonce.subarray(0, 32))
      case 'mysql_clear_password':
      case 'dialog':
      case 'sha256_password':
        if (!this.#parts.secured) throw refused('it wants the password in the clear, without TLS')
        return this.#clear()
      default:
        throw refused(`it asks for a plugin that we do not speak (${printable(this.#plugin)})`)
    }
  }
}

function printable(text: string): string {
  return text.replaceAll(/[^A-Za-z0-9_]/g, '?').slice(0, 40)
}

function refused(why: string): UpstreamError {
  return new UpstreamError('upstream_refused', `the database’s way to log in does not do: ${why}`)
}
