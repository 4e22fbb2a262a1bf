// The bound on how many rows an approved statement may change: run where it can be undone, counted by the server itself,
// and undone when there were more. In the client's transaction that is a savepoint; otherwise autocommit is turned off for
// as long as it takes (START TRANSACTION would let go of the client's table locks). The client hears of it at the end.
import { randomBytes } from 'node:crypto'
import type { Permit } from '#gateway'
import { AccessDenied, type GatewayError, UpstreamError } from '#model'
import type { Conversation } from './conversation.ts'
import { denial } from './denial.ts'
import { Exchange } from './exchange.ts'
import { type Ok, writeOk } from './messages.ts'
import { command, status } from './numbers.ts'

const QUERY_PREFIX = Buffer.from([command.query])
// (Whatever `completion_type` says.)
const COMMIT = 'COMMIT AND NO CHAIN NO RELEASE'
const ROLLBACK = 'ROLLBACK AND NO CHAIN NO RELEASE'

export class RowGuard {
  readonly permit: Permit
  readonly #talk: Conversation
  readonly #most: number
  /** Undefined: the transaction is ours. */
  readonly #savepoint: string | undefined
  #ok: Ok | undefined
  #error: Uint8Array | undefined
  #rows = 0
  #errorCode: string | undefined

  constructor(talk: Conversation, permit: Permit, most: number) {
    this.#talk = talk
    this.permit = permit
    this.#most = most
    const own = !talk.inTransaction && autocommits(talk)
    // A name that nobody else has: one of the client's own would be lost.
    this.#savepoint = own ? undefined : `sallyport_${randomBytes(8).toString('hex')}`
  }

  /** `holds`: looked at when there is a way back, for that took a moment; `send`: runs the statement, as an exchange of this permit. */
  begin(holds: () => GatewayError | undefined, send: () => void): void {
    const opening =
      this.#savepoint === undefined ? 'SET autocommit = 0' : `SAVEPOINT ${this.#savepoint}`
    this.#ask(opening, opened => {
      if (!opened || (this.#savepoint === undefined && autocommits(this.#talk))) {
        this.#tell('failed', denial(noWayBack()))
        return
      }
      const error = holds()
      if (error === undefined) {
        this.#talk.guard = this
        send()
      } else this.#undo(() => this.#tell('cancelled', denial(error)))
    })
  }

  /** The statement has run. */
  counted(ok: Ok): void {
    this.#ok = ok
    this.#rows += ok.affectedRows
  }

  /** The server refused it, or stopped. `error`: what the client may read of that. */
  failed(error: Uint8Array, code: string): void {
    this.#error = error
    this.#errorCode = code
  }

  /** What was asked is answered whole: kept or undone, and only then told. */
  settle(outcome: 'completed' | 'failed' | 'cancelled'): void {
    const ok = this.#ok
    if (ok === undefined || this.#error !== undefined) {
      const error = this.#error ?? denial(noWayBack())
      this.#drop(() => this.#tell(outcome === 'completed' ? 'failed' : outcome, error))
    } else if (this.#rows > this.#most) {
      this.#errorCode = '1142'
      this.#undo(whole => this.#tell('failed', denial(exceeded(this.#rows, this.#most, whole))))
    } else this.#keep(ok)
  }

  /** Puts on record how it ended. */
  complete(outcome: 'completed' | 'failed' | 'cancelled'): void {
    this.#talk.parts.session.complete(this.permit, {
      status: outcome,
      rows: this.#rows,
      bytes: 0,
      errorCode: this.#errorCode,
    })
  }

  #keep(ok: Ok): void {
    const tell = (): void =>
      this.#tell('completed', writeOk({ ...ok, status: this.#talk.flags & ~status.moreResults }))
    if (this.#savepoint !== undefined) {
      this.#must(`RELEASE SAVEPOINT ${this.#savepoint}`, tell)
      return
    }
    this.#ask(COMMIT, (kept, { error, errorCode }) => {
      if (kept) {
        this.#must('SET autocommit = 1', tell)
        return
      }
      this.#errorCode = errorCode
      this.#undo(() => this.#tell('failed', error ?? denial(noWayBack())))
    })
  }

  /** `whole`: nothing is left of it, as far as the server says. */
  #undo(then: (whole: boolean) => void): void {
    const back = this.#savepoint === undefined ? ROLLBACK : `ROLLBACK TO ${this.#savepoint}`
    this.#must(back, ({ warned }) => {
      // (1196: what is in no transaction stayed.)
      const next = this.#savepoint === undefined ? 'SET autocommit = 1' : this.#release
      this.#must(next, () => then(!warned))
    })
  }

  /** The server has undone the statement itself; of a deadlock the savepoint went with the transaction. */
  #drop(then: () => void): void {
    if (this.#savepoint === undefined) this.#undo(then)
    else this.#ask(this.#release, then)
  }

  get #release(): string {
    return `RELEASE SAVEPOINT ${this.#savepoint}`
  }

  /** Without it nobody knows what holds: the session ends, and the server undoes what was not kept. */
  #must(text: string, then: (answered: Exchange) => void): void {
    this.#ask(text, (done, answered) => {
      if (done) {
        then(answered)
        return
      }
      this.complete('failed')
      this.#talk.parts.end(
        'upstream_left',
        new UpstreamError(
          'upstream_lost',
          'the database did not end the transaction around an approved statement; the session is over',
        ),
      )
    })
  }

  #ask(text: string, then: (ok: boolean, answered: Exchange) => void): void {
    const talk = this.#talk
    const exchange = new Exchange('plain')
    exchange.hidden = true
    exchange.guard = this
    exchange.onAnswer = ok => then(ok, exchange)
    const send = (): void => {
      if (!talk.ended) talk.ask(Buffer.concat([QUERY_PREFIX, Buffer.from(text)]), exchange)
    }
    if (talk.cancelling === undefined) {
      send()
      return
    }
    // (A cancel that is under way would hit it.)
    talk.exchange = exchange
    void talk.cancelling.then(send)
  }

  #tell(outcome: 'completed' | 'failed' | 'cancelled', payload: Uint8Array): void {
    this.complete(outcome)
    this.#talk.say(payload)
  }
}

function autocommits(talk: Conversation): boolean {
  return (talk.flags & status.autocommit) !== 0
}

function exceeded(rows: number, most: number, whole: boolean): AccessDenied {
  const end = whole ? 'Nothing was changed.' : 'What is in no transaction could not be undone.'
  return new AccessDenied(
    'rows_exceeded',
    `the statement would have changed ${rows} rows; ${most} were approved. ${end}`,
    { hint: 'Narrow it, or run it again to ask anew: whoever approves can allow more rows.' },
  )
}

function noWayBack(): AccessDenied {
  return new AccessDenied(
    'statement_unsupported',
    'the approval is bound to a number of rows, and the database gave no way back',
  )
}
