// Asking to stop what another connection runs: clients do so on a connection of their own, by the number that the
// greeting told them. We give out our own numbers: a client never holds the server's, and reaches its own sessions only.
import { randomInt } from 'node:crypto'

export interface Killable {
  readonly principal: string
  readonly resource: string
  /** The server's number, which `SELECT CONNECTION_ID()` tells; known once it is logged in. */
  upstreamId: number
  cancel: () => void
}

export interface Asker {
  readonly principal: string
  readonly resource?: string
}

/** A connection's: its sessions, one after another, are known by it. */
export interface IssuedNumber {
  readonly id: number
  stands(session: Killable): void
  /** The session is over; the number stays the connection's. */
  leaves(): void
  forget(): void
}

export interface KillRegistry {
  /** A number that no other connection has. */
  issue(): IssuedNumber
  /** True when that session is the asker's own, on its resource if it named one, and was asked to stop. */
  request(id: number, asker: Asker): boolean
}

export function createKillRegistry(): KillRegistry {
  const sessions = new Map<number, Killable | undefined>()
  function find(id: number, asker: Asker): Killable | undefined {
    const own = (one: Killable | undefined): boolean =>
      one !== undefined &&
      one.principal === asker.principal &&
      (asker.resource === undefined || one.resource === asker.resource)
    const named = sessions.get(id)
    if (own(named)) return named
    for (const each of sessions.values()) if (own(each) && each?.upstreamId === id) return each
    return undefined
  }
  return {
    issue() {
      let id = randomInt(1, 2 ** 31)
      while (sessions.has(id)) id = randomInt(1, 2 ** 31)
      sessions.set(id, undefined)
      return {
        id,
        stands: session => void sessions.set(id, session),
        leaves: () => void sessions.set(id, undefined),
        forget: () => void sessions.delete(id),
      }
    },
    request(id, asker) {
      const found = find(id, asker)
      found?.cancel()
      return found !== undefined
    },
  }
}

/** `KILL [QUERY | CONNECTION] id` as clients send it on their own; others are statements as any. */
const KILL = /^\s*KILL\s+(?:(?:HARD|SOFT)\s+)?(?:(?:QUERY|CONNECTION)\s+)?(\d{1,10})\s*;?\s*$/i

export function killOf(text: string): number | undefined {
  if (text.length > 100) return undefined
  const found = KILL.exec(text)?.[1]
  return found === undefined ? undefined : Number(found)
}
