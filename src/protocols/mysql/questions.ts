// Asks the protected server on a connection that no client has: one text, its rows as texts. For what the gateway
// itself must know or set. Bounded: the server is not trusted.
import type { Duplex } from 'node:stream'
import { UpstreamError } from '#model'
import { LoginPackets } from './login-packets.ts'
import { readError } from './messages.ts'
import { command } from './numbers.ts'
import { PayloadReader } from './payload.ts'

const MOST_COLUMNS = 4096
const MOST_PACKET = 1 << 24

export interface QuestionBounds {
  readonly mostRows?: number
  /** Of all rows together. */
  readonly mostBytes?: number
}

/** The server answered with an error: its own code and words, for the log. */
export class QuestionRefused extends UpstreamError {
  readonly serverCode: number
  /** Its words: hostile text. */
  readonly said: string

  constructor(serverCode: number, text: string) {
    super('upstream_refused', 'the database refused a question of the gateway', {
      cause: new Error(`${serverCode}: ${text.slice(0, 500)}`),
    })
    this.serverCode = serverCode
    this.said = text
  }
}

export type Row = readonly (string | null)[]

/** One question at a time. */
export class Questions {
  readonly #packets: LoginPackets

  constructor(socket: Duplex) {
    this.#packets = new LoginPackets(socket)
  }

  /** Throws QuestionRefused, UpstreamError, ProtocolError, PeerLeft: after any but the first nothing more can be asked. */
  async ask(text: string, bounds: QuestionBounds = {}): Promise<readonly Row[]> {
    const { mostRows = 1_000, mostBytes = 1 << 20 } = bounds
    this.#packets.restart()
    this.#packets.send(Buffer.concat([Uint8Array.of(command.query), Buffer.from(text)]))
    const first = await this.#packets.next(MOST_PACKET)
    if (first[0] === 0) return []
    const columns = new PayloadReader(this.#checked(first)).count()
    if (columns > MOST_COLUMNS) throw tooMuch()
    for (let left = columns; left > 0; left--) await this.#packets.next(MOST_PACKET)
    const rows: Row[] = []
    let bytes = 0
    for (;;) {
      const payload = this.#checked(await this.#packets.next(MOST_PACKET))
      // (The end is told from a row by its length: a row that begins so is larger than a packet.)
      if (payload[0] === 0xfe) return rows
      bytes += payload.length
      if (rows.length >= mostRows || bytes > mostBytes) throw tooMuch()
      rows.push(readRow(payload, columns))
    }
  }

  fail(error: UpstreamError): void {
    this.#packets.fail(error)
  }

  /** Lets go of the socket, paused. Answers the bytes that were read ahead. */
  detach(): Uint8Array {
    return this.#packets.detach()
  }

  #checked(payload: Uint8Array): Uint8Array {
    if (payload[0] === 0xff) {
      const error = readError(payload, 0, payload.length)
      throw new QuestionRefused(error?.code ?? 0, error?.message ?? '')
    }
    return payload
  }
}

function readRow(payload: Uint8Array, columns: number): Row {
  const reader = new PayloadReader(payload)
  const row: (string | null)[] = []
  for (let column = 0; column < columns; column++) {
    const length = reader.lenenc()
    row.push(length === null ? null : Buffer.from(reader.bytes(length)).toString('utf8'))
  }
  reader.expectEnd()
  return row
}

function tooMuch(): UpstreamError {
  return new UpstreamError('upstream_refused', 'the database answered more than was asked for')
}
