// Refusals of the client's messages, in wire order: answered here where nothing is open upstream, and otherwise
// by an error that the upstream is made to have. Knows no reason why.
import { isGatewayError } from '#model'
import type { Conversation } from './conversation.ts'
import { denialFields } from './denial.ts'
import { Exchange } from './exchange.ts'
import { errorResponse, type MessageFields, readyForQuery } from './messages.ts'
import { failingParse, failingQuery } from './stand-ins.ts'
import { UnreadableText } from './statement.ts'

/** What the client's message belongs to: a refused one is answered, or skips its pipeline. */
export type Mode = 'query' | 'extended'

export class Refusals {
  readonly #talk: Conversation

  constructor(talk: Conversation) {
    this.#talk = talk
  }

  /** Rethrows what is no error of ours. */
  refuse(error: unknown, mode: Mode): void {
    if (!isGatewayError(error)) throw error
    const fields = denialFields(error, 'ERROR')
    const position = error instanceof UnreadableText ? error.position : undefined
    this.say(position === undefined ? fields : [...fields, ['P', String(position)]], mode)
  }

  /** Puts the refusal on record first; one whose record fails is refused for that. */
  onRecord(record: () => void, error: unknown, mode: Mode): void {
    let refusal = error
    try {
      record()
    } catch (unavailable) {
      // Safe: it stays refused.
      refusal = unavailable
    }
    this.refuse(refusal, mode)
  }

  /** As a server says that it knows no such name. */
  unknown(code: string, kind: string, name: string): true {
    this.say(
      [
        ['S', 'ERROR'],
        ['V', 'ERROR'],
        ['C', code],
        ['M', name === '' ? `unnamed ${kind} does not exist` : `${kind} "${name}" does not exist`],
      ],
      'extended',
    )
    return true
  }

  /**
   * The client gets the refusal in its turn. Where the upstream has something open, it gets a message that it
   * will refuse itself in place of ours: so its transaction fails and its pipeline skips exactly like the client's.
   */
  say(fields: MessageFields, mode: Mode): void {
    const talk = this.#talk
    const { toClient, toUpstream } = talk.parts
    const refusal = errorResponse(fields)
    if (talk.quiet && talk.status !== 'T') {
      toClient.own(refusal)
      if (mode === 'query') toClient.own(readyForQuery(talk.status))
      else talk.skipping = 'local'
      return
    }
    const exchange = new Exchange(mode === 'query' ? 'query' : 'parse')
    exchange.refusal = refusal
    talk.queue.push(exchange)
    if (mode === 'query') {
      toUpstream.own(failingQuery)
      talk.closeSegment()
    } else {
      toUpstream.own(failingParse)
      talk.segmentOpen = true
      talk.skipping = 'upstream'
    }
  }
}
