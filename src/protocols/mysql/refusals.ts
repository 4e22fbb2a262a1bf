// What a client is told in place of an answer: a refusal in its turn, or the end of the session.
import { type GatewayError, isGatewayError, ProtocolError } from '#model'
import type { Conversation } from './conversation.ts'
import { denial } from './denial.ts'

export class Refusals {
  readonly #talk: Conversation

  constructor(talk: Conversation) {
    this.#talk = talk
  }

  refuse(error: GatewayError): void {
    this.#talk.say(denial(error))
  }

  /** Puts the refusal on record first; one whose record fails is refused for that. */
  onRecord(record: () => void, error: GatewayError): void {
    try {
      record()
      this.refuse(error)
    } catch (unavailable) {
      // Safe: it stays refused.
      if (!isGatewayError(unavailable)) throw unavailable
      this.refuse(unavailable)
    }
  }

  violation(error: GatewayError, sequence: number): void {
    this.#talk.sequence = sequence
    this.#talk.parts.end('protocol_violation', error)
  }

  guarded(step: () => void): void {
    try {
      step()
    } catch (error) {
      if (error instanceof ProtocolError && error.code === 'protocol_violation')
        this.violation(error, this.#talk.sequence)
      else if (isGatewayError(error)) this.refuse(error)
      // Safe: nothing of the command was forwarded.
      else throw error
    }
  }
}
