// The upstream's words on their way to the client: errors, notices, notifications. They may quote values, so each
// passes a permit that says which values are hidden from this principal.

import { maskedBytes } from '#engines/masking'
import type { Permit, ResultColumn } from '#gateway'
import type { Outlet } from '#transport'
import type { Exchange } from './exchange.ts'
import { HEADER } from './feed.ts'
import { scrubFields } from './fields.ts'
import { B, type MessageFields, message } from './messages.ts'

/** A transaction that runs more different statements than this has its late errors hidden. */
const MOST_REMEMBERED = 64
const UNTOLD = 'The message is hidden: it may quote values that are masked for you.'

/** What a notification carries comes from no column: the detectors look at it. */
const PAYLOAD: readonly ResultColumn[] = [
  {
    name: 'payload',
    origin: { object: '', column: '' },
    textual: true,
    format: 'text',
    harmless: false,
  },
]

export class Reports {
  readonly #toClient: Outlet
  #last: Permit | undefined
  /** Of the open transaction: constraints and triggers that are deferred speak at its end, of what these wrote. */
  #wrote: Permit[] = []
  #tooMany = false

  constructor(toClient: Outlet) {
    this.#toClient = toClient
  }

  /** A statement was answered. */
  ran({ permit }: Exchange): void {
    if (permit === undefined) return
    this.#last = permit
    if (!writes(permit)) return
    const { operations } = permit.statement
    if (this.#wrote.some(({ statement }) => statement.operations === operations)) return
    if (this.#wrote.length >= MOST_REMEMBERED) this.#tooMany = true
    else this.#wrote.push(permit)
  }

  transactionEnded(): void {
    if (this.#wrote.length > 0) this.#wrote = []
    this.#tooMany = false
  }

  /** An error or a notice, whose frame is `bytes[at, end)`. */
  pass(
    kind: 'error' | 'notice',
    fields: MessageFields,
    head: Exchange | undefined,
    bytes: Buffer,
    at: number,
    end: number,
  ): void {
    const scrubbed = scrubFields(kind, fields, text => this.#scrub(text, head))
    if (scrubbed === undefined) this.#toClient.pass(bytes, at, end)
    else this.#toClient.own(scrubbed)
  }

  /** Whether a text that the upstream says meanwhile holds nothing that is hidden. */
  mayShow(text: string, head: Exchange | undefined): boolean {
    return this.#scrub(text, head) === text
  }

  /** A NotificationResponse; false when it is malformed. */
  notification(bytes: Buffer, at: number, end: number): boolean {
    const channel = at + HEADER + 4
    const zero = bytes.indexOf(0, channel)
    const payload = zero + 1
    if (zero < 0 || payload >= end || bytes.indexOf(0, payload) !== end - 1) return false
    const plan = this.#last?.results(PAYLOAD)[0]
    const write = plan?.kind === 'mask' ? plan.write : plan?.kind === 'scan' ? plan.scan : undefined
    const out = Buffer.alloc(write === undefined ? 0 : maskedBytes(end - 1 - payload))
    const written = write === undefined ? -1 : write(bytes, payload, end - 1, out, 0)
    if (written < 0 && plan?.kind !== 'null') {
      this.#toClient.pass(bytes, at, end)
      return true
    }
    this.#toClient.own(
      message(B.notificationResponse, writer =>
        writer
          .bytes(bytes.subarray(at + HEADER, payload))
          .bytes(out.subarray(0, Math.max(0, written)))
          .uint8(0),
      ),
    )
    return true
  }

  /** Takes out values of the statement at hand, and, where deferred checks run, of all that was written. */
  #scrub(text: string, head: Exchange | undefined): string {
    const own =
      head?.permit ??
      head?.portal?.permit ??
      head?.prepared?.permit ??
      head?.portal?.prepared.permit
    const nearest = own ?? this.#last
    const clean = nearest === undefined ? text : nearest.scrub(text)
    if (own !== undefined && !checksLate(head)) return clean
    if (this.#tooMany) return UNTOLD
    return this.#wrote.reduce((rest, permit) => permit.scrub(rest), clean)
  }
}

/** Sync, COMMIT, SET CONSTRAINTS: what others have written is checked then. */
function checksLate(head: Exchange | undefined): boolean {
  if (head === undefined || head.kind === 'sync') return true
  for (const { transaction, verb } of head.analysis.statements) {
    if (transaction !== undefined || verb.startsWith('SET')) return true
  }
  return false
}

function writes(permit: Permit): boolean {
  for (const { action } of permit.statement.operations) {
    if (action !== 'read' && action !== 'connect') return true
  }
  return false
}
