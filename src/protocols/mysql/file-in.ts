// A file of the client on its way to the server, for LOAD DATA LOCAL: the one request that is let through, and the data. It rides on
// the permit of its statement, unless the permit's watch sees a mask of ours in it. The data is cut into packets of our own, as it
// comes, so that nothing is kept whatever a client claims to send; and none of it can be taken for a command.
import type { StoredWatch } from '#gateway'
import { AccessDenied, type GatewayError, ProtocolError, UpstreamError } from '#model'
import type { Conversation } from './conversation.ts'
import type { Exchange } from './exchange.ts'
import { readError } from './messages.ts'
import { FULL, HEADER, payloadLength, writeHeader } from './packets.ts'

const REQUEST = 0xfb
/** Of a packet to the server. (One that is full would go on in the next.) */
const MOST_PIECE = 1 << 20
/** Of what must go out in one packet, at most: less than any server's own bound. */
const MOST_HELD = 1 << 20

/**
 * `asked`: data is passed on; `dropping`: it is refused, or the server has ended it: what comes is dropped to its end, and the session
 * ends, for the server may be anywhere in it. (It undoes what came without an end.)
 */
type State = 'none' | 'asked' | 'dropping'

export class FileIn {
  readonly #talk: Conversation
  #state: State = 'none'
  #watch: StoredWatch | undefined
  #exchange: Exchange | undefined
  #refusal: GatewayError | undefined
  /** Bytes of the client's packet that are still to come, and whether it goes on in the next one. */
  #left = 0
  #goesOn = false
  /** What waits to be the packet before one with the number 0. */
  #held: Buffer[] = []
  #heldBytes = 0

  constructor(talk: Conversation) {
    this.#talk = talk
  }

  /** The client's packets are a file's, up to an empty one. */
  get open(): boolean {
    return this.#state !== 'none'
  }

  /** The server asks for the file that is named there. False: it may not, and the client does not hear of it. */
  ask(exchange: Exchange, bytes: Buffer, from: number, to: number): boolean {
    const { file, permit, hidden, guard, index } = exchange
    if (file === undefined || permit === undefined || hidden || guard !== undefined) return false
    const name = Buffer.from(file)
    if (index !== 0 || exchange.limited || name.compare(bytes, from, to) !== 0) return false
    // An answer to a text that has not left.
    if (this.#talk.parts.unrecorded()) return false
    exchange.file = undefined
    this.#exchange = exchange
    this.#watch = permit.stored()
    this.#state = 'asked'
    this.#talk.say(Buffer.concat([Buffer.of(REQUEST), name]))
    return true
  }

  /** An answer ahead of the data's end: a server reads all of it first, and what it does with the rest nobody knows. */
  interrupted(bytes: Buffer, from: number, to: number): void {
    if (this.#state === 'dropping') return
    const error = bytes[from] === 0xff ? readError(bytes, from, to) : undefined
    if (error === undefined) {
      this.#talk.distrust('an answer in the middle of a file')
      return
    }
    this.#drop(
      new UpstreamError('upstream_lost', 'the database gave up in the middle of the file', {
        // (Its words may quote values of the file.)
        cause: new Error(String(error.code)),
      }),
      String(error.code),
    )
  }

  /** What came from the client: answers how far it went. Stops behind the end of the file. */
  read(bytes: Buffer, at: number, end: number): number {
    const talk = this.#talk
    while (at < end && this.open && !talk.ended) {
      if (this.#left > 0) {
        const to = Math.min(end, at + this.#left)
        this.#left -= to - at
        this.#data(bytes, at, to, false)
        at = to
        continue
      }
      if (end - at < HEADER) return at
      const length = payloadLength(bytes, at)
      const number = bytes[at + 3] as number
      if (number !== (talk.sequence & 0xff)) {
        talk.sequence = number + 1
        talk.parts.end(
          'protocol_violation',
          new ProtocolError('protocol_violation', 'a packet of a file is out of order'),
        )
        return end
      }
      talk.sequence += 1
      at += HEADER
      if (length === 0 && !this.#goesOn) {
        this.#end()
        return at
      }
      this.#goesOn = length === FULL
      const to = Math.min(end, at + length)
      this.#left = at + length - to
      if (to > at) this.#data(bytes, at, to, true)
      at = to
    }
    return at
  }

  /** `framed`: right before it stands the header of the packet that it begins, which nobody needs any more. */
  #data(bytes: Buffer, at: number, to: number, framed: boolean): void {
    if (this.#exchange !== undefined) this.#exchange.bytes += to - at
    if (this.#state === 'dropping') return
    const refusal = this.#watch?.(bytes, at, to)
    if (refusal !== undefined) {
      this.#refuse(refusal)
      return
    }
    for (let from = at; from < to && this.#state === 'asked'; from += MOST_PIECE) {
      const end = Math.min(to, from + MOST_PIECE)
      if ((this.#talk.expected & 0xff) === 0xff) this.#beforeZero(bytes, from, end)
      else this.#packet(bytes, from, end, framed && from === at)
    }
  }

  /**
   * The next packet but one has the number 0, as commands have: a server that gave up would take it for one. So it begins with a byte
   * that no command has, and all before that goes out with the packet before it.
   */
  #beforeZero(bytes: Buffer, at: number, to: number): void {
    let cut = this.#heldBytes === 0 ? at + 1 : at
    while (cut < to && mayCommand(bytes[cut] as number)) cut++
    // (Copied: it waits, and a header may be written over it where it stands.)
    this.#held.push(Buffer.from(bytes.subarray(at, cut)))
    this.#heldBytes += cut - at
    if (cut < to) {
      this.#release()
      this.#packet(bytes, cut, to, false)
    } else if (this.#heldBytes > MOST_HELD) {
      this.#refuse(
        new AccessDenied(
          'statement_unsupported',
          `the file holds over ${MOST_HELD} bytes on end that a server might take for a command`,
        ),
      )
    }
  }

  #release(): void {
    const held = Buffer.concat(this.#held)
    this.#held = []
    this.#heldBytes = 0
    if (held.length > 0) this.#packet(held, 0, held.length, false)
  }

  #packet(bytes: Buffer, at: number, to: number, framed: boolean): void {
    const { toUpstream } = this.#talk.parts
    const header = framed ? bytes : Buffer.alloc(HEADER)
    const from = framed ? at - HEADER : 0
    writeHeader(header, from, to - at, this.#talk.expected)
    this.#talk.expected += 1
    if (!framed) toUpstream.own(header)
    if (to > at) toUpstream.pass(bytes, framed ? from : at, to)
  }

  #end(): void {
    const refusal = this.#refusal
    if (refusal === undefined) {
      this.#release()
      this.#packet(Buffer.alloc(0), 0, 0, false)
    }
    this.#state = 'none'
    this.#watch = undefined
    this.#exchange = undefined
    if (refusal !== undefined) this.#talk.parts.end('failed', refusal)
  }

  #refuse(refusal: AccessDenied): void {
    const { session } = this.#talk.parts
    this.#drop(refusal)
    try {
      session.refused(this.#exchange?.permit?.statement.text ?? '', refusal)
    } catch {
      // Safe: it stays refused, and the session ends.
    }
  }

  /** `code`: the server's own. */
  #drop(error: GatewayError, code?: string): void {
    this.#state = 'dropping'
    this.#refusal = error
    this.#held = []
    this.#heldBytes = 0
    if (this.#exchange !== undefined) this.#exchange.errorCode = code
  }
}

/** Commands are 0 to 33 and 250 to 255 in all servers that there are; there is room for more of them. */
function mayCommand(byte: number): boolean {
  return byte < 0x2c || byte > 0xf0
}
