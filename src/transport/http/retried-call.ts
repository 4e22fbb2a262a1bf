// A question that may be asked once more: nothing of the answer came, as the kept connection turned out to be closed, and
// asking changes nothing.
import type { BodyWriter } from './body.ts'
import type { ResponseHead } from './message.ts'
import { StaleConnection } from './upstream-call.ts'
import type {
  AnswerListener,
  UpstreamCall,
  UpstreamRequest,
  UpstreamResponse,
} from './upstream-types.ts'

/** Who can ask on a connection that nobody had before. */
interface Asker {
  ask(request: UpstreamRequest, givenUp: () => Error | undefined): Promise<UpstreamCall>
}

export class RetriedCall implements UpstreamCall, AnswerListener {
  readonly body: BodyWriter
  readonly #request: UpstreamRequest
  readonly #asker: Asker
  #call: UpstreamCall
  #again = false
  #aborted: Error | undefined
  #listener: AnswerListener | undefined
  #response: Promise<UpstreamResponse> | undefined

  constructor(first: UpstreamCall, request: UpstreamRequest, asker: Asker) {
    this.#call = first
    this.#request = request
    this.#asker = asker
    this.body = first.body
  }

  get response(): Promise<UpstreamResponse> {
    if (this.#response === undefined) {
      this.#response = new Promise((answered, failed) => this.listen({ answered, failed }))
      this.#response.catch(() => {})
    }
    return this.#response
  }

  listen(listener: AnswerListener): void {
    this.#listener = listener
    this.#call.listen(this)
  }

  abort(error: Error): void {
    this.#aborted = error
    this.#call.abort(error)
  }

  // Of the call.

  answered(response: UpstreamResponse): void {
    this.#listener?.answered(response)
  }

  informed(head: ResponseHead): void {
    this.#listener?.informed?.(head)
  }

  failed(error: Error): void {
    if (
      this.#again ||
      !(error instanceof StaleConnection) ||
      this.#aborted !== undefined ||
      this.#request.signal?.aborted === true
    ) {
      this.#listener?.failed(error)
      return
    }
    this.#again = true
    this.#asker
      .ask(this.#request, () => this.#aborted)
      .then(
        call => {
          this.#call = call
          this.#listener?.resent?.()
          call.listen(this)
        },
        failure => this.#listener?.failed(failure),
      )
  }
}
