// Questions of our own to a server, on a connection that nobody else uses: rows are handed on one by one, so that
// the largest answer costs what the caller keeps of it. The server is hostile too: frames, rows and bytes are capped.
import type { Socket } from 'node:net'
import { ByteReader, int32At, typedFrames, utf8 } from '#engines/wire'
import { type GatewayError, type Parameter, UpstreamError } from '#model'
import { LoginReader } from '#transport'
import { B, bindUnnamed, executeUnnamed, parseTyped, query, sync } from './messages.ts'
import { sayGoodbye, type UpstreamLogin } from './upstream.ts'
import { fieldsOf } from './upstream-refusal.ts'

export interface QuestionBounds {
  /** What is asked about, for messages: "the catalog". */
  readonly subject: string
  readonly frameBytes: number
  /** Of one answer. */
  readonly rows: number
  /** Of all answers together. */
  readonly bytes: number
}

export type Row = readonly (string | null)[]

/** The server said no to a question. Its own words are a cause: they do not reach clients. */
export class QuestionRefused extends UpstreamError {
  readonly sqlState: string
  readonly said: string

  constructor(subject: string, sqlState: string, said: string) {
    super('upstream_refused', `the database refused a question about ${subject}`, {
      cause: new Error(`${sqlState}: ${said}`),
    })
    this.sqlState = sqlState
    this.said = said
  }
}

export class Questions {
  readonly #socket: Socket
  readonly #reader: LoginReader
  readonly #bounds: QuestionBounds
  #bytesLeft: number

  constructor(login: UpstreamLogin, bounds: QuestionBounds) {
    this.#bounds = bounds
    this.#bytesLeft = bounds.bytes
    this.#socket = login.socket
    if (login.rest.length > 0) this.#socket.unshift(login.rest)
    this.#reader = new LoginReader(login.socket)
  }

  /** Ends what is waited for now and all that comes later. */
  fail(error: GatewayError): void {
    this.#reader.fail(error)
  }

  close(): void {
    this.#reader.detach()
    sayGoodbye(this.#socket)
  }

  /** Asks by a simple query. Throws QuestionRefused, UpstreamError, ProtocolError. */
  ask(text: string, onRow: (row: Row) => void = () => {}): Promise<void> {
    return this.#ask([query(text)], onRow)
  }

  /** Asks one statement, with values: never more than one, whatever the text holds. */
  askWith(
    text: string,
    parameters: readonly Parameter[],
    onRow: (row: Row) => void,
  ): Promise<void> {
    // A number of a type, or its name when the client did not say: the server infers it.
    const types = parameters.map(({ type }) => (/^\d{1,10}$/.test(type) ? Number(type) : 0))
    return this.#ask(
      [parseTyped(text, types), bindUnnamed(parameters), executeUnnamed(), sync()],
      onRow,
    )
  }

  async #ask(messages: readonly Uint8Array[], onRow: (row: Row) => void): Promise<void> {
    this.#socket.write(Buffer.concat(messages))
    const { subject, frameBytes, rows: mostRows } = this.#bounds
    let failure: GatewayError | undefined
    let rows = 0
    for (;;) {
      const frame = await this.#reader.frame(typedFrames, frameBytes)
      this.#bytesLeft -= frame.length
      if (this.#bytesLeft < 0) throw this.#tooLarge()
      switch (frame[0]) {
        case B.dataRow:
          rows += 1
          if (rows > mostRows) throw this.#tooLarge()
          onRow(readRow(frame))
          break
        case B.errorResponse: {
          const fields = fieldsOf(new ByteReader(frame, 5))
          failure = new QuestionRefused(subject, fields.get('C') ?? '', fields.get('M') ?? '')
          break
        }
        case B.readyForQuery:
          if (failure !== undefined) throw failure
          return
        default: // RowDescription, CommandComplete, notices, statuses: nothing that we need
      }
    }
  }

  #tooLarge(): UpstreamError {
    return new UpstreamError('upstream_refused', `${this.#bounds.subject} is too large`)
  }
}

function readRow(frame: Uint8Array): Row {
  const reader = new ByteReader(frame, 5)
  const row: (string | null)[] = []
  for (let left = reader.uint16(); left > 0; left -= 1) {
    const length = int32At(reader.bytes(4), 0)
    row.push(length === -1 ? null : utf8(reader.bytes(length)))
  }
  reader.expectEnd()
  return row
}
