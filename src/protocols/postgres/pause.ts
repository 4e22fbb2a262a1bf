// Why the client's leg stands still, and when it goes on: until answers are in, a name is settled, or COPY has
// its turn. Knows the conversation, no frame.

import type { Feed } from '#engines/wire'
import type { Conversation } from './conversation.ts'
import { flush } from './messages.ts'

export class Pause {
  readonly #talk: Conversation
  readonly #feed: Feed
  #until: (() => boolean) | undefined
  #then: (() => void) | undefined

  constructor(talk: Conversation, feed: Feed) {
    this.#talk = talk
    this.#feed = feed
  }

  get on(): boolean {
    return this.#until !== undefined
  }

  /** Stops until `ready`; the frame at hand was not taken, unless `then` finishes it. Always answers false. */
  until(ready: () => boolean, then?: () => void): false {
    this.#feed.blocked = true
    this.#until = ready
    this.#then = then
    // Without a Sync the server keeps its answers back.
    if (this.#talk.segmentOpen) this.#talk.parts.toUpstream.own(flush())
    return false
  }

  untilAnswered(): false {
    const talk = this.#talk
    return this.until(
      () => talk.queue.length === 0 && talk.cancelling === undefined && talk.catalogReadings === 0,
    )
  }

  /** True when it was over: then what was to be finished is. */
  over(): boolean {
    if (this.#until?.() !== true) return false
    const then = this.#then
    this.#until = this.#then = undefined
    then?.()
    return true
  }
}
