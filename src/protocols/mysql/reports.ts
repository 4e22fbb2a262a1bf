// The server's errors on their way to the client: they may quote values, so each passes a permit that says which
// values are hidden from this principal.
import type { Permit } from '#gateway'
import type { ColumnDefinition, Format } from './columns.ts'
import type { ErrorPacket } from './messages.ts'
import { PayloadReader, PayloadWriter } from './payload.ts'

/** A transaction that runs more different statements than this has its late errors hidden. */
const MOST_REMEMBERED = 64
const UNTOLD = 'The message is hidden: it may quote values that are masked for you.'

/** Codes whose texts hold names, numbers of the server or nothing: no value of a row. */
const PLAIN: ReadonlySet<number> = new Set([
  1007, 1008, 1044, 1046, 1049, 1050, 1051, 1060, 1061, 1091, 1094, 1109, 1113, 1142, 1143, 1146,
  1153, 1158, 1159, 1160, 1161, 1192, 1205, 1213, 1227, 1243, 1295, 1305, 1317, 1370, 1419, 1568,
  1614, 1637, 1692, 1792, 1969, 3024, 3572,
])

/** True for the columns of SHOW WARNINGS and SHOW ERRORS. */
export function areDiagnostics(definitions: readonly ColumnDefinition[]): boolean {
  const names = definitions.map(({ name }) => name.toLowerCase()).join()
  return names === 'level,code,message'
}

/** The first two cells of such a row. Throws ProtocolError. */
export function diagnosticOf(bytes: Uint8Array, from: number, to: number, format: Format) {
  const reader = new PayloadReader(bytes, from + (format === 'binary' ? 2 : 0), to)
  const level = Buffer.from(reader.lenencBytes()).toString('latin1')
  if (format === 'binary') return { level, code: reader.uint32() }
  return { level, code: Number(Buffer.from(reader.lenencBytes()).toString('latin1')) || 0 }
}

export class Reports {
  #last: Permit | undefined
  #wrote: Permit[] = []
  #tooMany = false
  #noted = false

  /** A statement was answered with warnings, or an error: SHOW WARNINGS may quote what it touched from now on. */
  noted(permit: Permit): void {
    // (What empties the server's list is no matter of one rule: statements without a table leave it as it is.)
    if (!this.#noted) this.#noted = permit.scrub('') !== ''
  }

  /**
   * What takes the place of a row of SHOW WARNINGS or SHOW ERRORS; undefined: it may go as it is. An error is one; how many
   * rows made a warning would tell of what is in them, so those are left out.
   */
  diagnostic(level: string, code: number, format: Format): Uint8Array | 'left out' | undefined {
    if (!this.#noted || PLAIN.has(code)) return undefined
    // (A column may have any name: nothing of the row but a known word and the number goes on.)
    if (level !== 'Error') return 'left out'
    const row = new PayloadWriter()
    if (format === 'text')
      return row.lenencText(level).lenencText(String(code)).lenencText(UNTOLD).finish()
    return row.uint8(0).uint8(0).lenencText(level).uint32(code).lenencText(UNTOLD).finish()
  }

  /** How many warnings a statement made tells, row by row, of the values that it met. */
  hidesWarnings(permit: Permit | undefined): boolean {
    const nearest = permit ?? this.#last
    return nearest !== undefined && meetsValues(nearest) && nearest.scrub('') !== ''
  }

  /** A statement was answered. */
  ran(permit: Permit): void {
    this.#last = permit
    const { operations } = permit.statement
    if (operations.every(({ action }) => action === 'read' || action === 'connect')) return
    if (this.#wrote.some(({ statement }) => statement.operations === operations)) return
    if (this.#wrote.length >= MOST_REMEMBERED) this.#tooMany = true
    else this.#wrote.push(permit)
  }

  transactionEnded(): void {
    if (this.#wrote.length > 0) this.#wrote = []
    this.#tooMany = false
  }

  /** The same error without what is hidden from the principal. */
  clean(error: ErrorPacket, permit: Permit | undefined): ErrorPacket {
    if (PLAIN.has(error.code) && !runsOther(permit)) return error
    const nearest = permit ?? this.#last
    let message = nearest === undefined ? error.message : nearest.scrub(error.message)
    if (this.#tooMany) message = UNTOLD
    else message = this.#wrote.reduce((rest, each) => each.scrub(rest), message)
    // A state may be any five characters, where code of users raises the error (SIGNAL).
    const state = /^[0-9A-Z]{5}$/.test(error.state) ? error.state : 'HY000'
    return {
      code: error.code,
      state: message === error.message ? state : plainState(state),
      message,
    }
  }
}

/** Of rows that are there; what is only inserted the client has said itself. */
function meetsValues({ statement }: Permit): boolean {
  return statement.operations.some(({ action, verb }) => action !== 'connect' && !INSERTS.has(verb))
}

const INSERTS: ReadonlySet<string> = new Set(['INSERT', 'LOAD DATA LOCAL'])

/** A text that was built at run time may name anything: a value, as the table that there is not. */
function runsOther(permit: Permit | undefined): boolean {
  if (permit === undefined) return true
  return permit.statement.operations.some(
    ({ flags }) => flags.includes('dynamic') || flags.includes('indirect'),
  )
}

/** SIGNAL takes any state: hidden words must not come as one. */
function plainState(state: string): string {
  return /^(2[0-9A-Z]|42|HY|08|40|45|0[0-9A-Z])/.test(state) ? `${state.slice(0, 2)}000` : 'HY000'
}
