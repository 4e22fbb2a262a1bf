// Heads that are sent again and again: written once. What they are made from never changes.
import { Buffer } from 'node:buffer'
import type { Fields } from './fields.ts'
import { requestHead, responseHead } from './heads.ts'
import type { Framing, RequestHead, ResponseHead } from './message.ts'
import type { UpstreamRequest } from './upstream-types.ts'

/** Throws UnsendableHead. */
export function writtenHead(request: UpstreamRequest): Buffer {
  const { method, target, authority, fields, body, upgrade } = request
  return Buffer.from(requestHead(method, target, authority, fields, body, upgrade), 'latin1')
}

/** A request without a body, and with nothing that belongs to one call alone. */
export class RepeatedRequest implements UpstreamRequest {
  readonly method: string
  readonly target: string
  readonly authority: string
  readonly fields: Fields
  readonly body: Framing
  #head: Buffer | undefined

  constructor(
    request: Pick<UpstreamRequest, 'method' | 'target' | 'authority' | 'fields' | 'body'>,
  ) {
    this.method = request.method
    this.target = request.target
    this.authority = request.authority
    this.fields = request.fields
    this.body = request.body
  }

  /** As HTTP/1.1 has it. Throws UnsendableHead. */
  get head(): Buffer {
    this.#head ??= writtenHead(this)
    return this.#head
  }
}

/** The head of answers to one request. */
export class RepeatedResponse implements ResponseHead {
  readonly status: number
  readonly reason?: string
  readonly fields: Fields
  readonly body: Framing
  #to: RequestHead | undefined
  #head: Buffer | undefined

  constructor({ status, reason, fields, body }: ResponseHead) {
    this.status = status
    if (reason !== undefined) this.reason = reason
    this.fields = fields
    this.body = body
  }

  /** As HTTP/1.x has it. Throws UnsendableHead. */
  head(to: RequestHead, close: boolean): Buffer {
    if (this.#head !== undefined && this.#to === to && !close) return this.#head
    const head = Buffer.from(responseHead(this, to, close), 'latin1')
    // Without a date of its own it is dated when it is sent.
    if (!close && this.fields.has('date')) {
      this.#head = head
      this.#to = to
    }
    return head
  }
}
