// RFC 8308: the signatures that we take of a client's key. The library's own list names SHA-1 and DSA, and loses two names
// for want of a comma; it is never sent.
import { signatureAlgorithms } from './algorithms.ts'

interface Insides {
  readonly _protocol: {
    _onHandshakeComplete(...all: unknown[]): void
    readonly _kex: { remoteExtInfoEnabled: boolean }
    readonly _packetRW: {
      readonly write: {
        readonly allocStart: number
        alloc(length: number): Buffer
        finalize(packet: Buffer): Buffer
      }
    }
    readonly _cipher: { encrypt(packet: Buffer): void }
  }
}

const EXT_INFO = 7

/** Call before anything is read from the client. */
export function tellExtensions(connection: object): void {
  const { _protocol: protocol } = connection as Insides
  const complete = protocol._onHandshakeComplete
  let told = false
  protocol._onHandshakeComplete = (...all) => {
    const wanted = protocol._kex.remoteExtInfoEnabled && !told
    protocol._kex.remoteExtInfoEnabled = false
    told = true
    // Right behind the first new keys, as section 2.4 has it: before anything that waited for them.
    if (wanted) send(protocol, message())
    complete(...all)
  }
}

function send({ _packetRW, _cipher }: Insides['_protocol'], payload: Buffer): void {
  const at = _packetRW.write.allocStart
  const packet = _packetRW.write.alloc(payload.length)
  packet.set(payload, at)
  _cipher.encrypt(_packetRW.write.finalize(packet))
}

function message(): Buffer {
  const one = Buffer.of(EXT_INFO, 0, 0, 0, 1)
  return Buffer.concat([one, string('server-sig-algs'), string(signatureAlgorithms.join(','))])
}

function string(text: string): Buffer {
  const bytes = Buffer.alloc(4 + Buffer.byteLength(text))
  bytes.writeUInt32BE(bytes.length - 4)
  bytes.write(text, 4)
  return bytes
}
