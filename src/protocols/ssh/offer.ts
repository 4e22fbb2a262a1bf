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
