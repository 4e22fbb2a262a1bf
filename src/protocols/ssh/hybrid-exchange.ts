// The key exchange that the library lacks, brought to it: it agrees on another one that it knows, and where both ends
// would have agreed on ours, what it computes with is replaced. Of the library's insides, as `guard` is; where they
// look different, a handshake fails.
import { answerTo, firstWords, freshKeys, secretFrom } from './hybrid-secret.ts'
import { type Exchanging, type Offering, offerInstead, onExchange } from './offer.ts'

export const HYBRID = 'mlkem768x25519-sha256'

const KEXINIT = 20
/** Behind the type and sixteen bytes of chance (RFC 4253 section 7.1). */
const FIRST_LIST = 17

interface Decipher {
  _onPayload(payload: Buffer): unknown
}

interface Exchange {
  _remoteKexinit: Buffer
  readonly negotiated: { kex: string }
  hashName: string
  generateKeys(): void
  getPublicKey(): Buffer
  convertPublicKey(key: Buffer): Buffer
  computeSecret(other: Buffer): Buffer | Error
}

interface Insides {
  readonly _protocol: Offering &
    Exchanging & {
      /** Another one after each exchange; a client's first comes with the host's greeting. */
      _decipher: Decipher | undefined
    }
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
  // An end that offers this exchange alone has nothing in common with the library, which is shown one name more.
  const sent = new WeakMap<Buffer, Buffer>()
  const shown = (payload: Buffer): Buffer => {
    const theirs = payload[0] === KEXINIT ? namesOf(payload) : []
    if (!theirs.includes(HYBRID) || theirs.some(name => known.includes(name))) return payload
    const end = FIRST_LIST + 4 + payload.readUInt32BE(FIRST_LIST)
    // A list that is longer than its message: the library says so.
    if (end > payload.length) return payload
    const more = Buffer.concat([
      payload.subarray(0, end),
      Buffer.from(`,${first}`),
      payload.subarray(end),
    ])
    more.writeUInt32BE(end - FIRST_LIST - 4 + 1 + first.length, FIRST_LIST)
    sent.set(more, Buffer.from(payload))
    return more
  }
  const reading = (next: Decipher): Decipher => {
    const take = next._onPayload.bind(next)
    next._onPayload = payload => take(shown(payload))
    return next
  }
  let decipher = protocol._decipher && reading(protocol._decipher)
  Object.defineProperty(protocol, '_decipher', {
    get: () => decipher,
    set(next: Decipher) {
      decipher = reading(next)
    },
  })
  onExchange(protocol, begun => {
    const next = begun as Exchange
    // What was sent is what is hashed.
    next._remoteKexinit = sent.get(next._remoteKexinit) ?? next._remoteKexinit
    const theirs = namesOf(next._remoteKexinit)
    const [clients, servers] = peer === 'client' ? [theirs, offered] : [offered, theirs]
    if (clients.find(name => servers.includes(name)) !== HYBRID) return
    next.negotiated.kex = HYBRID
    next.hashName = 'sha256'
    next.generateKeys = () => {}
    next.convertPublicKey = key => key
    if (peer === 'client') answering(next)
    else asking(next)
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

/** The first list of a KEXINIT; of one that is cut, as much as is there. */
function namesOf(kexinit: Buffer): readonly string[] {
  const from = FIRST_LIST + 4
  if (kexinit.length < from) return []
  return kexinit.toString('latin1', from, from + kexinit.readUInt32BE(FIRST_LIST)).split(',')
}
