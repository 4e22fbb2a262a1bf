// The key exchange that the library lacks, brought to it: it agrees on another one that it knows, and where both ends
// would have agreed on ours, what it computes with is replaced. Of the library's insides, as `guard` is; where they
// look different, a handshake fails.
import { answerTo, firstWords, freshKeys, secretFrom } from './hybrid-secret.ts'
import { type Offering, offerInstead } from './offer.ts'

export const HYBRID = 'mlkem768x25519-sha256'

interface Exchange {
  readonly _remoteKexinit: Buffer
  readonly negotiated: { kex: string }
  hashName: string
  generateKeys(): void
  getPublicKey(): Buffer
  convertPublicKey(key: Buffer): Buffer
  computeSecret(other: Buffer): Buffer | Error
}

interface Insides {
  readonly _protocol: Offering & { _kex: Exchange | undefined }
}

/** Call when all else of the offer is as it will be. `peer`: which side the other end is. */
export function offerHybrid(connection: object, peer: 'client' | 'host'): void {
  const protocol = (connection as Insides)._protocol
  const known = protocol._offer.lists.kex.array
  const [first = '', ...rest] = known
  // A client's own order decides. Towards clients it stands second: the library loses a first packet that was sent on a
  // right guess, and a guess is right when both lists begin with it.
  const offered = peer === 'client' ? [first, HYBRID, ...rest] : [HYBRID, ...known]
  offerInstead(protocol, { kex: offered })
  let exchange = protocol._kex
  Object.defineProperty(protocol, '_kex', {
    get: () => exchange,
    set(next: Exchange) {
      exchange = next
      const theirs = namesOf(next._remoteKexinit)
      const [clients, servers] = peer === 'client' ? [theirs, offered] : [offered, theirs]
      if (clients.find(name => servers.includes(name)) !== HYBRID) return
      next.negotiated.kex = HYBRID
      next.hashName = 'sha256'
      next.generateKeys = () => {}
      next.convertPublicKey = key => key
      if (peer === 'client') answering(next)
      else asking(next)
    },
  })
}

function answering(exchange: Exchange): void {
  let answer: Buffer | undefined
  exchange.computeSecret = words => {
    try {
      const made = answerTo(words)
      answer = made.answer
      return made.secret
    } catch (error) {
      // Safe: the library ends the handshake with it.
      return error as Error
    }
  }
  exchange.getPublicKey = () => {
    if (answer === undefined) throw new Error('asked for an answer before there was one')
    return answer
  }
}

function asking(exchange: Exchange): void {
  const keys = freshKeys()
  const words = firstWords(keys)
  exchange.getPublicKey = () => words
  exchange.computeSecret = answer => {
    try {
      return secretFrom(keys, answer)
    } catch (error) {
      // Safe: as above.
      return error as Error
    }
  }
}

/** RFC 4253 section 7.1: the first list of a KEXINIT, behind its type and sixteen bytes of chance. */
function namesOf(kexinit: Buffer): readonly string[] {
  const length = kexinit.readUInt32BE(17)
  return kexinit.toString('latin1', 21, 21 + length).split(',')
}
