// Proves to the protected server that we are its user: one method, chosen by the server, once. Never lets a
// password out over an open line, and never takes a server's yes before it has proved itself under SCRAM.
import { createHash } from 'node:crypto'
import { type ByteReader, utf8 } from '#engines/wire'
import { type Secret, UpstreamError } from '#model'
import { passwordMessage, saslInitialResponse, saslResponse } from './messages.ts'
import { SCRAM, SCRAM_PLUS } from './scram.ts'
import { createScramClient, type ScramClient } from './scram-client.ts'

export interface UpstreamIdentity {
  readonly user: string
  readonly password: Secret | undefined
  /** True over TLS. */
  readonly secured: boolean
  readonly binding: Uint8Array | undefined
  nonce(): string
}

/** PostgreSQL documentation, "Message Formats": the Authentication* codes. */
const OK = 0
const CLEARTEXT = 3
const MD5 = 5
const SASL = 10
const SASL_CONTINUE = 11
const SASL_FINAL = 12

export interface UpstreamProof {
  /** What to send for an Authentication message; `done` when the server is content. Throws UpstreamError, ProtocolError. */
  answer(body: ByteReader): Promise<Uint8Array | 'done' | undefined>
}

export function createUpstreamProof(identity: UpstreamIdentity): UpstreamProof {
  let started = false
  let scram: ScramClient | undefined
  let challenged = false
  let proven = false

  function begin(): Secret {
    if (started) throw refused('the database asks for a second proof')
    started = true
    if (identity.password === undefined) {
      throw refused('the database asks for a password, and the resource has none')
    }
    return identity.password
  }

  return {
    async answer(body) {
      const code = body.int32()
      switch (code) {
        case OK:
          body.expectEnd()
          if (scram !== undefined && !proven) {
            throw refused('the database did not prove that it knows the password')
          }
          return 'done'
        case CLEARTEXT: {
          const password = begin()
          if (!identity.secured)
            throw refused('the database asks for the password over an open line')
          return passwordMessage(checked(password))
        }
        case MD5: {
          const password = begin()
          const inner = md5(Buffer.concat([password.bytes(), Buffer.from(identity.user)]))
          const answer = md5(Buffer.concat([Buffer.from(inner), body.bytes(4)]))
          body.expectEnd()
          return passwordMessage(`md5${answer}`)
        }
        case SASL: {
          const password = begin()
          const offered = mechanisms(body)
          const { binding } = identity
          const plus = binding !== undefined && offered.includes(SCRAM_PLUS)
          if (!plus && !offered.includes(SCRAM)) {
            throw refused('the database offers no way to prove a password that we speak')
          }
          scram = createScramClient(password, plus ? binding : undefined, identity.nonce())
          return saslInitialResponse(plus ? SCRAM_PLUS : SCRAM, scram.first)
        }
        case SASL_CONTINUE:
          if (scram === undefined || challenged) throw refused('a challenge out of place')
          challenged = true
          return saslResponse(await scram.final(utf8(body.rest())))
        case SASL_FINAL:
          if (scram === undefined || !challenged || proven) throw refused('a verdict out of place')
          scram.verify(utf8(body.rest()))
          proven = true
          return undefined
        default:
          throw refused('the database asks for a kind of proof that we do not speak')
      }
    },
  }
}

/** The bytes go out with a zero byte behind them: one inside would cut the password short. */
function checked(password: Secret): Uint8Array {
  if (password.bytes().includes(0)) throw refused('the password of the resource holds a zero byte')
  return password.bytes()
}

function mechanisms(body: ByteReader): readonly string[] {
  const names: string[] = []
  for (let name = body.cstring(); name !== ''; name = body.cstring()) names.push(name)
  body.expectEnd()
  return names
}

function md5(bytes: Uint8Array): string {
  return createHash('md5').update(bytes).digest('hex')
}

function refused(what: string): UpstreamError {
  return new UpstreamError('upstream_refused', what)
}
