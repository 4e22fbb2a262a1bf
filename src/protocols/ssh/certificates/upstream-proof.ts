// Our way into a host that trusts our authority: a key that lives for one login, and a certificate that says for whom.
import { generateKeyPairSync, sign } from 'node:crypto'
import type { KeyAuthorities } from '#gateway'
import { ed25519Blob, opensshPrivateKey } from '../public-key.ts'
import { writeCertificate } from './certificate.ts'
import { string } from './fields.ts'
import { CERTIFIED } from './host-proof.ts'
import { readSubjectKey } from './subject-key.ts'

const USERAUTH_REQUEST = 50
const LASTS_MS = 5 * 60_000
const SKEW_MS = 60_000
const LONGEST_ID = 200
/**
 * What a connection of ours may ever do there; whether this client may is decided here, channel by channel, also by rights
 * that it gets while the connection lives. Never what the account's own files start (`permit-user-rc`).
 */
const EXTENSIONS = [
  'permit-X11-forwarding',
  'permit-agent-forwarding',
  'permit-port-forwarding',
  'permit-pty',
]

interface Insides {
  readonly _protocol: {
    readonly _kex: { readonly sessionID: Buffer }
    readonly _kexinit: unknown
    _queue: Buffer[] | undefined
    readonly _authsQueue: string[]
    readonly _packetRW: {
      readonly write: {
        readonly allocStart: number
        alloc(length: number): Buffer
        finalize(packet: Buffer): Buffer
      }
    }
    readonly _cipher: { encrypt(packet: Buffer): void }
    authPK: (user: string) => void
  }
}

export interface UpstreamProof {
  /** For the library, which then asks for a login by key. */
  readonly privateKey: string
  /** Call right after `connect`: what it asks with is the certificate. */
  install(connection: object): void
}

/** Throws ProtocolError when the login is no name that a certificate can be for. */
export function upstreamProof(
  of: {
    readonly user: string
    /** Whose login it is: what the host's own log shows. */
    readonly id: string
    readonly now: number
  },
  { upstreams }: KeyAuthorities,
): UpstreamProof {
  const { privateKey } = generateKeyPairSync('ed25519')
  const certificate = writeCertificate(
    readSubjectKey(ed25519Blob(privateKey)),
    {
      kind: 'user',
      // What a principal is called is not ours: no line of a log may end in it.
      id: of.id.replace(/[^!-~]/g, '?').slice(0, LONGEST_ID),
      principals: [of.user],
      validAfter: BigInt(Math.floor((of.now - SKEW_MS) / 1_000)),
      validBefore: BigInt(Math.floor((of.now + LASTS_MS) / 1_000)),
      options: new Map(),
      extensions: new Map(EXTENSIONS.map(name => [name, new Uint8Array()])),
    },
    upstreams,
  )
  return {
    privateKey: opensshPrivateKey(privateKey),
    install(connection) {
      const protocol = (connection as Insides)._protocol
      let asked = false
      protocol.authPK = user => {
        // A host that says again and again that the key would do is not signed for again.
        if (asked) throw Object.assign(new Error('a second yes to one key'), { level: 'protocol' })
        asked = true
        const request = Buffer.concat([
          Buffer.of(USERAUTH_REQUEST),
          string(user),
          string('ssh-connection'),
          string('publickey'),
          Buffer.of(1),
          string(CERTIFIED),
          string(certificate),
        ])
        const signed = sign(
          null,
          Buffer.concat([string(protocol._kex.sessionID), request]),
          privateKey,
        )
        const signature = Buffer.concat([string('ssh-ed25519'), string(signed)])
        protocol._authsQueue.push('publickey')
        send(protocol, Buffer.concat([request, string(signature)]))
      }
    },
  }
}

/** As the library sends; what comes while keys are exchanged waits for their end. */
function send(protocol: Insides['_protocol'], payload: Buffer): void {
  const { write } = protocol._packetRW
  const at = write.allocStart
  const packet = write.alloc(payload.length)
  packet.set(payload, at)
  const sealed = write.finalize(packet)
  if (protocol._kexinit === undefined) protocol._cipher.encrypt(sealed)
  else protocol._queue = [...(protocol._queue ?? []), sealed]
}
