// The sessions of one client connection: one for each principal and resource that its requests name. A proof is verified
// when it is first seen here; what ends the identity ends the session, and the next request has to prove it again.

import type { Gateway, ListenerSettings, Session } from '#gateway'
import {
  AccessDenied,
  AuthenticationFailed,
  type CloseReason,
  type Origin,
  type Principal,
  type Statement,
} from '#model'
import type { RepeatedRequest, RequestHead } from '#transport/http'
import type { ToldAnswer } from './answer-head.ts'
import type { Access, Dialect, Injected, RequestReader } from './dialect.ts'
import { type Asking, type Proof, proofOf, prove, refuseOtherPages } from './login.ts'
import { Outbox } from './outbox.ts'
import { Running } from './running.ts'

/** Of one connection: each proof costs its verification. */
const MOST_FAILURES = 10
/** A client that shares one connection among many identities is a proxy of its own: so many, and no more. */
const MOST_SESSIONS = 64

type Named = Pick<Asking, 'key' | 'resource'> & Partial<Asking>

export interface OpenSession {
  readonly session: Session
  readonly access: Access
  /** The field that carried the proof: it stays here. Undefined: there was none to carry. */
  readonly carrier: Asking['carrier'] | undefined
  /** What the last request gave as its reason. */
  reason: string
  /** Of requests without a body: their heads say all, and come again as the same object. */
  readonly forms: WeakMap<RequestHead, RequestForm>
  readonly running: Running
  readonly outbox: Outbox
}

/** What a request without a body is, and what was made of it the last time. */
export interface RequestForm {
  readonly reader: RequestReader
  readonly statement: Statement
  /** What went upstream. */
  asked?: {
    readonly injected: Injected
    readonly masks: boolean
    readonly request: RepeatedRequest
  }
  /** What was answered. */
  told?: ToldAnswer
}

interface Opening {
  readonly done: Promise<OpenSession>
  /** The same, once it is there. */
  open?: OpenSession
}

export interface SessionsParts<Upstream> {
  readonly gateway: Gateway
  readonly dialect: Dialect<Upstream>
  readonly listener: ListenerSettings
  readonly origin: Omit<Origin, 'client'>
  /** What the client's TLS handshake proved the key of (DER); nobody looked at it yet. */
  readonly certificate: Uint8Array | undefined
}

export class Sessions<Upstream = unknown> {
  readonly #parts: SessionsParts<Upstream>
  readonly #open = new Map<string, Opening>()
  /** By the head, which is the same object when a client repeats itself. */
  readonly #asked = new WeakMap<RequestHead, Named>()
  readonly #served = new WeakMap<RequestHead, OpenSession>()
  #failures = 0
  #closed = false

  constructor(parts: SessionsParts<Upstream>) {
    this.#parts = parts
  }

  /** Nothing more is heard of this connection: too many proofs did not hold. */
  get exhausted(): boolean {
    return this.#failures >= MOST_FAILURES
  }

  /** Its session, when the very same head was served before and the session lives. */
  known(head: RequestHead): OpenSession | undefined {
    const open = this.#served.get(head)
    return open === undefined || open.session.signal.aborted ? undefined : open
  }

  /** Throws AuthenticationFailed, AccessDenied, InvalidRequest, Unavailable. */
  async of(head: RequestHead): Promise<OpenSession> {
    let asking = this.#asked.get(head)
    if (asking === undefined) {
      asking = this.#asking(head)
      this.#asked.set(head, asking)
    }
    const known = this.#open.get(asking.key)
    if (known !== undefined) {
      const open = await known.done
      if (!open.session.signal.aborted) {
        this.#served.set(head, open)
        return open
      }
      if (this.#open.get(asking.key) === known) this.#open.delete(asking.key)
      return this.of(head)
    }
    if (this.#open.size >= MOST_SESSIONS) this.#forget()
    if (this.#open.size >= MOST_SESSIONS)
      throw new AccessDenied('too_many_sessions', 'this connection has too many sessions')
    const opening: Opening = { done: this.#begin(asking, head) }
    this.#open.set(asking.key, opening)
    try {
      opening.open = await opening.done
      return opening.open
    } catch (error) {
      this.#open.delete(asking.key)
      throw error
    }
  }

  async close(reason: CloseReason): Promise<void> {
    this.#closed = true
    const open = await Promise.allSettled([...this.#open.values()].map(each => each.done))
    await Promise.all(
      open.map(each =>
        each.status === 'fulfilled' ? each.value.session.close(reason) : undefined,
      ),
    )
  }

  /** Those that have ended: of a client that renews its token they are many, on a connection that it keeps. */
  #forget(): void {
    for (const [key, { open }] of this.#open)
      if (open?.session.signal.aborted === true) this.#open.delete(key)
  }

  #asking(head: RequestHead): Named {
    const { dialect, listener } = this.#parts
    const { tunnel } = listener
    // Whoever holds the tunnel has proved it; it opens one resource, whatever a request names.
    if (tunnel !== undefined) {
      refuseOtherPages(head)
      return { resource: tunnel.resource, key: 'tunnel' }
    }
    const found = proofOf(head, this.#parts.certificate !== undefined)
    const resource = dialect.resourceOf(head)
    if (resource === undefined)
      throw new AccessDenied('resource_unknown', 'The request names no resource.', {
        hint: dialect.naming,
      })
    return { ...found, resource, key: JSON.stringify([resource, found.carrier, found.proof]) }
  }

  async #begin(
    { resource, proof, carrier }: Pick<Asking, 'resource'> & Partial<Asking>,
    { fields }: RequestHead,
  ): Promise<OpenSession> {
    const { gateway, dialect, listener, origin: place } = this.#parts
    const { tunnel } = listener
    const client = (fields.get('user-agent') ?? '').slice(0, 64).replace(/[^ -~]/g, '?')
    const origin = { ...place, ...tunnel?.origin, client }
    try {
      const principal =
        proof === undefined ? tunnel!.principal : await this.#prove(proof, resource, origin)
      const session = await gateway.open(principal, dialect.protocol, resource, origin)
      if (this.#closed) {
        await session.close('client_left')
        throw new AccessDenied('session_ended', 'the client left')
      }
      return {
        session,
        access: dialect.access(session),
        carrier,
        reason: '',
        forms: new WeakMap(),
        running: new Running(session),
        outbox: new Outbox(session),
      }
    } catch (error) {
      this.#failures += 1
      throw error
    }
  }

  /** Throws AuthenticationFailed; also when a proof and the client's certificate are of two principals. */
  async #prove(proof: Proof, resource: string, origin: Origin): Promise<Principal> {
    const { gateway, certificate } = this.#parts
    const own = certificate && (await gateway.authenticateCertificate(certificate, origin))
    if (proof.kind === 'certificate') {
      if (own !== undefined) return own
      throw new AuthenticationFailed('token_required', 'there is no client certificate')
    }
    const principal = await prove(proof, resource, origin, gateway)
    if (own === undefined || own.id === principal.id) return principal
    gateway.loginFailed(origin, 'credential_invalid')
    throw new AuthenticationFailed(
      'credential_invalid',
      'the client certificate is of another principal than the proof',
    )
  }
}
