// What a client lends to the host for as long as one of its session channels lasts: its key agent, its display. Lending
// is a statement, and so is each use that the host makes of it.
import type { Permit, Waiting } from '#gateway'
import { isGatewayError } from '#model'
import type { Backend } from '../backend.ts'
import type { Display } from '../session-start.ts'
import { tunnelStatement } from './statement.ts'

type Lendable = 'agent' | 'display'

/** What a session channel asks to lend. */
export interface Wanted {
  agent: boolean
  display: Display | undefined
}

export interface Lending extends Readonly<Wanted> {
  /** Call when the session channel is over. */
  end(): void
}

/** Of one connection: the host's channels do not say which session they belong to. */
export class Lent {
  readonly #count = { agent: 0, display: 0 }

  has(what: Lendable): boolean {
    return this.#count[what] > 0
  }

  /** As much of it as policies permit: without the rest, the session runs all the same. `say`: tells the client. */
  async lend(
    wanted: Wanted,
    { session, login }: Backend,
    waiting: Waiting,
    say: (error: unknown) => void,
  ): Promise<Lending> {
    const permits: Permit[] = []
    const lend = async (what: Lendable): Promise<boolean> => {
      try {
        const verb = what === 'agent' ? 'auth-agent-req' : 'x11-req'
        permits.push(await session.authorize(tunnelStatement({ verb }, login), waiting))
        this.#count[what] += 1
        return true
      } catch (error) {
        if (!isGatewayError(error) || session.signal.aborted) throw error
        // Safe: it is not lent, and that is on record. Most clients offer their agent always, and want no answer.
        if (what === 'display') say(error)
        return false
      }
    }
    const agent = wanted.agent && (await lend('agent'))
    const display = wanted.display !== undefined && (await lend('display'))
    return {
      agent,
      display: display ? wanted.display : undefined,
      end: () => {
        if (agent) this.#count.agent -= 1
        if (display) this.#count.display -= 1
        for (const permit of permits) session.complete(permit, DONE)
      },
    }
  }
}

const DONE = { status: 'completed', rows: 0, bytes: 0 } as const

/** Hosts hand these words to xauth(1): undefined where they are not what it takes (CVE-2016-3115). */
export function readDisplay(asked: {
  readonly single: boolean
  readonly protocol: string
  readonly cookie: Buffer | string
  readonly screen: number
}): Display | undefined {
  const { single, protocol, screen } = asked
  const cookie = asked.cookie.toString('latin1')
  const plain = /^[A-Za-z0-9-]{1,64}$/.test(protocol) && /^(?:[0-9a-fA-F]{2}){1,128}$/.test(cookie)
  return plain && screen <= 255 ? { single, protocol, cookie, screen } : undefined
}
