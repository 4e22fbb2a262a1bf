// What reads a body and lets go on what may be seen of it.

export interface BodyReader {
  /** What may go on of all that came so far. */
  write(chunk: Uint8Array): Uint8Array[]
  /** The rest: nothing more comes. */
  end(): Uint8Array[]
}

/** Why a body is not let through. */
export type BodyFault = 'malformed' | 'too_long' | 'encoding' | 'type'

/** A body that cannot be read as what it says it is: what is hidden in it is not known, so nothing more goes on. */
export class BodyProblem extends Error {
  readonly fault: BodyFault

  constructor(fault: BodyFault, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.name = 'BodyProblem'
    this.fault = fault
  }
}
