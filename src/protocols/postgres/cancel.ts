// Cancel requests come on connections of their own, unauthenticated, with a key. We issue our own keys, so a
// client never holds the upstream's, and forget them with the session. Knows keys and rates, no sockets.
import { randomBytes, randomInt } from 'node:crypto'
import { equal } from './scram.ts'

export interface CancelKey {
  readonly pid: number
  readonly key: Uint8Array
  /** The session is over: its key means nothing from now on. */
  forget(): void
}

export interface CancelRegistry {
  /** `protocolMinor`: 3.0 clients can only keep four bytes. */
  issue(protocolMinor: number, cancel: () => void): CancelKey
  /** True when the key was right and `cancel` was called. */
  request(pid: number, key: Uint8Array, ip: string): boolean
  readonly size: number
}

/** Guesses at keys: so many at once from one address, and so many more per second. */
const BURST = 20
const PER_SECOND = 5
const MAX_ADDRESSES = 10_000

export function createCancelRegistry(now: () => number = () => performance.now()): CancelRegistry {
  const sessions = new Map<number, { readonly key: Uint8Array; readonly cancel: () => void }>()
  const addresses = new Map<string, { tokens: number; at: number }>()

  function mayAsk(ip: string): boolean {
    const at = now()
    const bucket = addresses.get(ip) ?? { tokens: BURST, at }
    bucket.tokens = Math.min(BURST, bucket.tokens + ((at - bucket.at) / 1000) * PER_SECOND)
    bucket.at = at
    addresses.delete(ip)
    addresses.set(ip, bucket) // last used, last out
    const oldest = addresses.keys().next().value
    if (addresses.size > MAX_ADDRESSES && oldest !== undefined) addresses.delete(oldest)
    if (bucket.tokens < 1) return false
    bucket.tokens -= 1
    return true
  }

  return {
    issue(protocolMinor, cancel) {
      let pid = randomInt(1, 2 ** 31)
      while (sessions.has(pid)) pid = randomInt(1, 2 ** 31)
      const entry = { key: randomBytes(protocolMinor >= 2 ? 32 : 4), cancel }
      sessions.set(pid, entry)
      return { pid, key: entry.key, forget: () => void sessions.delete(pid) }
    },
    request(pid, key, ip) {
      if (!mayAsk(ip)) return false
      const entry = sessions.get(pid)
      if (entry === undefined || !equal(entry.key, key)) return false
      entry.cancel()
      return true
    },
    get size() {
      return sessions.size
    },
  }
}
