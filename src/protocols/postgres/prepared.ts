// Prepared statements and portals as a session has them, and the frames that make them. Reads the layout of
// Parse, Bind, Describe, Execute and Close strictly (PostgreSQL documentation, "Message Formats"); judges nothing.

import type { Analysis } from '#engines/sql'
import type { Permit } from '#gateway'
import { AccessDenied, type Parameter, ProtocolError } from '#model'
import type { Shape } from './shape.ts'

export class Prepared {
  readonly text: string
  readonly analysis: Analysis
  /** Type OIDs as Parse named them; the upstream's own once it has described the statement. */
  parameterTypes: readonly number[]
  /** The permit of its preparation: what errors of Bind and Describe ride on. Absent when SQL prepared it. */
  permit: Permit | undefined
  /** The columns of its answer, once the upstream has told. */
  shape: Shape | undefined
  /** The segment in which a Describe of it was sent, and the session's `meaning` and the time (ms) then. */
  describedIn = 0
  describedUnder = -1
  describedAt = 0

  constructor(text: string, analysis: Analysis, parameterTypes: readonly number[]) {
    this.text = text
    this.analysis = analysis
    this.parameterTypes = parameterTypes
  }
}

export class Portal {
  readonly prepared: Prepared
  readonly resultFormats: readonly number[]
  /** `Scope.key` when it was bound: it reads the relations of then, whatever their names mean later. */
  readonly scope: string
  readonly #bind: BindValues
  /** The permit of its first Execute; later ones continue the same statement. */
  permit: Permit | undefined
  /** The count of changed definitions when it was judged. */
  judgedAt: number | undefined
  shape: Shape | undefined
  describedIn = 0
  /** True once the permit's outcome is on record. */
  completed = false
  /** What was answered before it was suspended. */
  rows = 0
  bytes = 0

  constructor(prepared: Prepared, bind: BindValues, scope: string) {
    this.prepared = prepared
    this.scope = scope
    this.#bind = bind
    this.resultFormats = bind.resultFormats
  }

  /** The bound values: views into what the portal keeps. */
  parameters(): readonly Parameter[] {
    const { bytes, offsets, lengths, formats } = this.#bind
    const { parameterTypes } = this.prepared
    const parameters: Parameter[] = new Array(offsets.length)
    for (let index = 0; index < offsets.length; index++) {
      const type = parameterTypes[index] ?? 0
      const offset = offsets[index] as number
      const length = lengths[index] as number
      parameters[index] = {
        // 0: the client leaves it to the server.
        type: type === 0 ? 'unknown' : String(type),
        format: formatAt(formats, index) === 1 ? 'binary' : 'text',
        value: length === -1 ? null : bytes.subarray(offset, offset + length),
      }
    }
    return parameters
  }
}

/** One format code stands for all columns, none for text (Bind, "result-column format codes"). */
export function formatAt(formats: readonly number[], index: number): number {
  if (formats.length === 0) return 0
  return (formats.length === 1 ? formats[0] : formats[index]) ?? 0
}

export interface BindValues {
  readonly bytes: Buffer
  readonly offsets: readonly number[]
  /** -1 is NULL. */
  readonly lengths: readonly number[]
  readonly formats: readonly number[]
  readonly resultFormats: readonly number[]
}

/** Reads the body of one frame; throws ProtocolError where it does not hold what it says. */
class Body {
  readonly #bytes: Buffer
  readonly #end: number
  at: number

  constructor(bytes: Buffer, start: number, end: number) {
    this.#bytes = bytes
    this.at = start
    this.#end = end
  }

  uint8(): number {
    this.#need(1)
    return this.#bytes[this.at++] as number
  }

  int16(): number {
    this.#need(2)
    const value = this.#bytes.readInt16BE(this.at)
    this.at += 2
    return value
  }

  /** A count: PostgreSQL reads these as unsigned, and drivers do send 65,535 parameters. */
  count(): number {
    return this.int16() & 0xffff
  }

  int32(): number {
    this.#need(4)
    const value = this.#bytes.readInt32BE(this.at)
    this.at += 4
    return value
  }

  /** A terminated text, strictly UTF-8. */
  text(): string {
    const bytes = this.#bytes
    if (bytes[this.at] === 0 && this.at < this.#end) {
      this.at += 1
      return ''
    }
    const zero = bytes.indexOf(0, this.at)
    if (zero < 0 || zero >= this.#end) throw malformed()
    const text =
      zero - this.at <= NAME_BYTES ? nameAt(bytes, this.at, zero) : utf8(bytes, this.at, zero)
    this.at = zero + 1
    return text
  }

  /** Of a prepared statement or a portal: no longer than a server can tell from another. */
  name(): string {
    const from = this.at
    const name = this.text()
    if (this.at - from - 1 > LONGEST_NAME) throw nameTooLong()
    return name
  }

  skip(count: number): void {
    this.#need(count)
    this.at += count
  }

  /** For `count` numbers whose bytes, `each` or more of them, are still to be read. Grown one by one it would take eight times the memory. */
  list(count: number, each: number): number[] {
    this.#need(count * each)
    return new Array(count)
  }

  done(): void {
    if (this.at !== this.#end) throw malformed()
  }

  #need(count: number): void {
    if (count > this.#end - this.at) throw malformed()
  }
}

export interface ParseFrame {
  readonly name: string
  readonly text: string
  readonly parameterTypes: readonly number[]
}

/** All readers take the frame's body: `start` is behind the header. */
export function readParse(bytes: Buffer, start: number, end: number): ParseFrame {
  const body = new Body(bytes, start, end)
  const name = body.name()
  const text = body.text()
  const count = body.count()
  const parameterTypes = body.list(count, 4)
  for (let i = 0; i < count; i++) parameterTypes[i] = body.int32() >>> 0
  body.done()
  return { name, text, parameterTypes }
}

export interface BindFrame {
  readonly portal: string
  readonly statement: string
  readonly values: BindValues
}

export function readBind(bytes: Buffer, start: number, end: number): BindFrame {
  const body = new Body(bytes, start, end)
  const portal = body.name()
  const statement = body.name()
  const formats = readFormats(body)
  const count = body.count()
  if (formats.length > 1 && formats.length !== count) throw malformed()
  const from = body.at
  const offsets = body.list(count, 4)
  const lengths = body.list(count, 4)
  for (let i = 0; i < count; i++) {
    const length = body.int32()
    if (length < -1) throw malformed()
    offsets[i] = body.at
    lengths[i] = length
    if (length > 0) body.skip(length)
  }
  const to = body.at
  const resultFormats = readFormats(body)
  body.done()
  if (count === 0 || bytes.length <= SMALL_CHUNK) {
    const kept = count === 0 ? NO_BYTES : bytes
    return { portal, statement, values: { bytes: kept, offsets, lengths, formats, resultFormats } }
  }
  // A copy: the portal outlives the chunk, and a view would keep all of it.
  const copy = Buffer.from(bytes.subarray(from, to))
  for (let i = 0; i < count; i++) offsets[i] = (offsets[i] as number) - from
  return { portal, statement, values: { bytes: copy, offsets, lengths, formats, resultFormats } }
}

/** A portal may keep a chunk that is no larger: it is ours, and nothing is written into it. */
const SMALL_CHUNK = 1_024

export function readExecute(
  bytes: Buffer,
  start: number,
  end: number,
): { portal: string; maxRows: number } {
  const body = new Body(bytes, start, end)
  const portal = body.name()
  const maxRows = body.int32()
  body.done()
  return { portal, maxRows }
}

/** Describe and Close name a statement or a portal. */
export function readTarget(
  bytes: Buffer,
  start: number,
  end: number,
): { kind: 'S' | 'P'; name: string } {
  const body = new Body(bytes, start, end)
  const kind = body.uint8()
  const name = body.name()
  body.done()
  if (kind === 0x53) return { kind: 'S', name }
  if (kind === 0x50) return { kind: 'P', name }
  throw malformed()
}

/** The text of a Query: one terminated text and nothing behind it. */
export function readQuery(bytes: Buffer, start: number, end: number): string {
  const body = new Body(bytes, start, end)
  const text = body.text()
  body.done()
  return text
}

/** In bytes (NAMEDATALEN - 1). A server compares no more of a name: longer ones mean what others of the same beginning mean. */
const LONGEST_NAME = 63

function nameTooLong(): AccessDenied {
  return new AccessDenied(
    'statement_unsupported',
    'the name of a prepared statement or portal is longer than 63 bytes, of which PostgreSQL tells no two apart',
    { hint: 'Give it a shorter name, or none.' },
  )
}

const NO_BYTES: Buffer = Buffer.alloc(0)
const NO_FORMATS: readonly number[] = []

function readFormats(body: Body): readonly number[] {
  const count = body.count()
  if (count === 0) return NO_FORMATS
  const formats = body.list(count, 2)
  for (let i = 0; i < count; i++) {
    const format = body.int16()
    if (format !== 0 && format !== 1) throw malformed()
    formats[i] = format
  }
  return formats
}

/** Names of statements and portals up to this length are known again: clients use the same few all the time. */
const NAME_BYTES = 24
const known: ({ readonly bytes: Buffer; readonly name: string } | undefined)[] = new Array(64).fill(
  undefined,
)

function nameAt(bytes: Buffer, start: number, end: number): string {
  const length = end - start
  const slot = (length * 7 + (bytes[end - 1] as number)) & 63
  const seen = known[slot]
  if (seen !== undefined && holds(bytes, start, end, seen.bytes)) return seen.name
  const name = utf8(bytes, start, end)
  known[slot] = { bytes: Buffer.from(bytes.subarray(start, end)), name }
  return name
}

function holds(bytes: Buffer, start: number, end: number, these: Buffer): boolean {
  if (these.length !== end - start) return false
  for (let at = start; at < end; at++) if (bytes[at] !== these[at - start]) return false
  return true
}

const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

function utf8(bytes: Buffer, start: number, end: number): string {
  if (start === end) return ''
  try {
    return strict.decode(bytes.subarray(start, end))
  } catch {
    // Safe: what is no UTF-8 is refused, as the server refuses it (22021).
    throw new ProtocolError('protocol_violation', 'a text of the message is not valid UTF-8')
  }
}

function malformed(): ProtocolError {
  return new ProtocolError('protocol_violation', 'the message is malformed')
}
