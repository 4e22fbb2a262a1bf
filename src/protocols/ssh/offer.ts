// What we offer at a key exchange, made anew where the library's own list does not do. Of its insides, as `guard` is.

export interface Offering {
  _offer: Offer
}

interface Offer {
  readonly lists: {
    readonly kex: List
    readonly serverHostKey: List
    readonly cs: Ways
    readonly sc: Ways
  }
}

interface List {
  /** What the library itself agrees on. */
  array: readonly string[]
  /** What is sent. */
  readonly buffer: Buffer
}

type Ways = { readonly [part in 'cipher' | 'mac' | 'compress' | 'lang']: List }

/** One exchange of keys, from when it is agreed on: another one each time. */
export interface Exchanging {
  _kex: object | undefined
}

const listening = new WeakMap<Exchanging, ((exchange: object) => void)[]>()

/** Calls back with each exchange of keys before anything is computed with it. */
export function onExchange(protocol: Exchanging, listener: (exchange: object) => void): void {
  const known = listening.get(protocol)
  if (known !== undefined) return void known.push(listener)
  const listeners = [listener]
  listening.set(protocol, listeners)
  let exchange = protocol._kex
  Object.defineProperty(protocol, '_kex', {
    get: () => exchange,
    set(next: object) {
      exchange = next
      for (const each of listeners) each(next)
    },
  })
}

/** Call before our first message of a key exchange, or right after `connect`. */
export function offerInstead(
  protocol: Offering,
  {
    kex,
    hostKeys,
    ciphers,
  }: {
    kex?: readonly string[]
    hostKeys?: readonly string[]
    /** Of both ways. */
    ciphers?: readonly string[]
  },
): void {
  const { lists } = protocol._offer
  const ways = ({ cipher, mac, compress, lang }: Ways) => ({
    cipher: ciphers ?? cipher.array,
    mac: mac.array,
    compress: compress.array,
    lang: lang.array,
  })
  const Made = protocol._offer.constructor as new (of: object) => Offer
  protocol._offer = new Made({
    kex: kex ?? lists.kex.buffer.toString().split(','),
    serverHostKey: [...new Set(hostKeys ?? lists.serverHostKey.array)],
    cs: ways(lists.cs),
    sc: ways(lists.sc),
  })
  protocol._offer.lists.kex.array = lists.kex.array
}

/** The same, for a connection. */
export function offerCiphers(connection: object, ciphers: readonly string[]): void {
  offerInstead((connection as { readonly _protocol: Offering })._protocol, { ciphers })
}
