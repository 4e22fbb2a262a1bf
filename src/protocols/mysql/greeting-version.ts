// The version that a client is greeted with. The server speaks first on this wire, before anybody knows which
// resource is asked for: so it is that of the servers that were reached so far.
const MARIADB = /mariadb/i
/** Before any server was reached. */
const DEFAULT = '8.0.11-sallyport'
const MOST_LENGTH = 60

export interface Flavour {
  readonly flavour: 'mysql' | 'mariadb'
  /** As executable comments write it: 80042, 101119. */
  readonly version: number
}

/** What a server's greeting says that it is. MariaDB may hide behind `5.5.5-`, for old replicas. */
export function flavourOf(greeting: string): Flavour {
  const flavour = MARIADB.test(greeting) ? 'mariadb' : 'mysql'
  const text = flavour === 'mariadb' ? greeting.replace(/^5\.5\.5-/, '') : greeting
  const [, major, minor, patch] = /^(\d{1,3})\.(\d{1,2})(?:\.(\d{1,2}))?/.exec(text) ?? []
  return {
    flavour,
    version: Number(major ?? 0) * 10_000 + Number(minor ?? 0) * 100 + Number(patch ?? 0),
  }
}

export interface GreetingVersion {
  current(): string
  /** A server was reached. */
  seen(resource: string, greeting: string): void
}

/** The lowest of what was reached lately, so that no client asks one for what it does not have. */
export function createGreetingVersion(): GreetingVersion {
  const seen = new Map<string, { readonly text: string; readonly version: number }>()
  let chosen = DEFAULT
  return {
    current: () => chosen,
    seen(resource, greeting) {
      if (seen.get(resource)?.text === greeting) return
      const text = greeting.replaceAll(/[^\x20-\x7e]/g, '?').slice(0, MOST_LENGTH)
      seen.set(resource, { text, version: flavourOf(text).version })
      const kinds = new Set([...seen.values()].map(each => MARIADB.test(each.text)))
      const lowest = [...seen.values()].sort((a, b) => a.version - b.version)[0]
      chosen = kinds.size === 1 && lowest !== undefined ? lowest.text : DEFAULT
    },
  }
}
