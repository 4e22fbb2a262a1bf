// A person who comes in by a wire that shows texts, and says who they are in a browser: one connection, no token.
import { setTimeout as later } from 'node:timers/promises'
import { AuthenticationFailed, type Origin, type Principal } from '#model'
import type { PeopleSignIn } from '#services/identity'
import type { AskedPerson } from '../protocol/index.ts'

const LOOK_MS = 1_000

export class BrowserLogin {
  readonly #people: Pick<PeopleSignIn, 'startDevice' | 'confirmed'>
  readonly #page: () => string | undefined
  readonly #prove: (prove: () => Promise<Principal>, origin: Origin) => Promise<Principal>

  /** `page`: where codes are typed; undefined where nobody signs in with a browser. */
  constructor(
    people: Pick<PeopleSignIn, 'startDevice' | 'confirmed'>,
    page: () => string | undefined,
    prove: (prove: () => Promise<Principal>, origin: Origin) => Promise<Principal>,
  ) {
    this.#people = people
    this.#page = page
    this.#prove = prove
  }

  /** `client`: who asks, for the person to read. Throws Unavailable when too many wait. */
  ask(client: string, origin: Origin): AskedPerson | undefined {
    const page = this.#page()
    if (page === undefined) return undefined
    const { ip } = origin
    const { deviceCode, userCode, expiresAt } = this.#people.startDevice({ client, ip })
    return {
      url: `${page}?code=${userCode}`,
      code: userCode,
      expiresAt,
      answer: signal => this.#prove(() => this.#answer(deviceCode, signal), origin),
    }
  }

  async #answer(deviceCode: string, signal: AbortSignal): Promise<Principal> {
    for (;;) {
      try {
        const person = this.#people.confirmed(deviceCode)
        if (!signal.aborted) return person
      } catch (error) {
        // Not passed over, but for the one that says that nobody has answered yet.
        if (!(error instanceof AuthenticationFailed) || error.code !== 'approval_pending')
          throw error
      }
      if (signal.aborted)
        throw new AuthenticationFailed('token_expired', 'The client left before anybody answered.')
      // Rejects when the client leaves: looked at above.
      await later(LOOK_MS, undefined, { signal, ref: false }).catch(() => {})
    }
  }
}
