// A request that was turned into a tunnel: what goes on in it stands on the request's permit, and what is asked inside of it is
// asked of the same gate.
import type { Permit } from '#gateway'
import { type Statement, UpstreamError } from '#model'
import type { UpstreamResponse } from '#transport/http'
import { shownFields } from './answer-head.ts'
import type { TunnelParts } from './dialect.ts'
import type { PermittedRequest } from './permitted-request.ts'
import { serveWebSocket } from './tunnel.ts'

const LOST = { status: 'cancelled', errorCode: 'lost', rows: 0, bytes: 0 } as const

export class Tunnelled {
  /** That went to the client. */
  bytes = 0
  /** Values that were hidden in them. */
  masked: ReadonlyMap<string, number> | undefined
  /** How what ran in it failed. */
  failure: string | undefined
  readonly #asked: PermittedRequest
  readonly #signal: AbortSignal
  readonly #isOver: () => boolean
  #renewed: ((permit: Permit) => void) | undefined

  /** `signal`: it is to end; `isOver`: its outcome is told. */
  constructor(asked: PermittedRequest, signal: AbortSignal, isOver: () => boolean) {
    this.#asked = asked
    this.#signal = signal
    this.#isOver = isOver
  }

  /** Resolves when either side has ended; throws what ended it before. */
  serve(response: UpstreamResponse, secrets: readonly string[]): Promise<void> {
    const { open, permit, exchange } = this.#asked
    const { session, access } = open
    const parts: TunnelParts = {
      response,
      session,
      permit,
      exchange,
      signal: this.#signal,
      secrets,
      shown: fields => shownFields(fields, permit, secrets),
      onRenewed: listener => {
        this.#renewed = listener
      },
      authorize: statement => this.#authorize(statement),
      told: (bytes, masked, failure) => {
        this.bytes = bytes
        this.masked = masked
        this.failure = failure
      },
    }
    return access.serveTunnel?.(parts) ?? serveWebSocket(parts)
  }

  /** True: from here on it shows what these rules let be seen. */
  follows(permit: Permit): boolean {
    this.#renewed?.(permit)
    return this.#renewed !== undefined
  }

  /** What is asked on the way: of the same client, and no sooner permitted than it is on record. */
  async #authorize(statement: Statement): Promise<Permit> {
    const { session, outbox } = this.#asked.open
    const waiting = { notify() {}, signal: this.#signal }
    const permit = await session.authorize(statement, waiting)
    if (this.#isOver()) {
      session.complete(permit, LOST)
      throw new UpstreamError('upstream_lost', 'it was no longer wanted')
    }
    outbox.clear()
    return permit
  }
}
