// Statements that the client prepared, and the values of an Execute. Pure: bytes to values.
import type { RowPlan } from '#engines/masking'
import type { MysqlAnalysis } from '#engines/sql'
import type { Permit } from '#gateway'
import { AccessDenied, type Parameter, ProtocolError } from '#model'
import { type as types } from './numbers.ts'
import type { PayloadReader } from './payload.ts'
import type { Shape } from './shape.ts'

export interface Prepared {
  readonly id: number
  readonly text: string
  readonly analysis: MysqlAnalysis
  /** The default database when it was prepared: its names keep to it, whichever is chosen later. */
  readonly database: string | undefined
  readonly parameters: number
  /** Types of its values: an Execute may leave them out when they are those of the one before. */
  types: readonly ParameterType[]
  /** The server has them for sure: an Execute that failed may have ended before it read them. */
  typesKept: boolean
  /** Values that were sent ahead, by place. */
  readonly long: Map<number, LongValue>
  /** Rows of it are kept upstream, for FETCH. */
  cursor: Cursor | undefined
}

export interface Cursor {
  permit: Permit
  readonly shape: Shape
  readonly plan: RowPlan
  rows: number
  bytes: number
  masked: Map<string, number> | undefined
}

interface LongValue {
  readonly parts: Uint8Array[]
  /** What keeping it costs. */
  bytes: number
}

export interface ParameterType {
  readonly type: number
  readonly unsigned: boolean
}

/** Of all statements of a session. */
const MOST_LONG_BYTES = 64 << 20
/** A part costs something however short it is. */
const PART_BYTES = 128

/** How much the statements of a session keep of values that were sent ahead. */
export interface Kept {
  longBytes: number
}

/** Throws AccessDenied, and ProtocolError for a place that the statement does not have: servers then run it no more. */
export function keepLongData(
  prepared: Prepared,
  index: number,
  data: Uint8Array,
  session: Kept,
): void {
  if (index >= prepared.parameters)
    throw new ProtocolError('protocol_violation', 'a value for a place that is none')
  const cost = data.length + PART_BYTES
  if (session.longBytes + cost > MOST_LONG_BYTES)
    throw new AccessDenied('message_too_large', 'the values sent ahead are too large together')
  let kept = prepared.long.get(index)
  if (kept === undefined) {
    kept = { parts: [], bytes: 0 }
    prepared.long.set(index, kept)
  }
  session.longBytes += cost
  kept.bytes += cost
  kept.parts.push(Uint8Array.from(data))
}

/** They were used, or will not be. */
export function dropLongData({ long }: Prepared, session: Kept): void {
  for (const { bytes } of long.values()) session.longBytes -= bytes
  long.clear()
}

export interface ExecuteRequest {
  readonly flags: number
  readonly types: readonly ParameterType[]
  readonly parameters: readonly Parameter[]
}

/** Of COM_STMT_EXECUTE's payload, behind the statement's id. Throws ProtocolError. */
export function readExecute(body: PayloadReader, prepared: Prepared): ExecuteRequest {
  const flags = body.uint8()
  body.uint32() // how often: always once
  const count = prepared.parameters
  if (count === 0) {
    body.expectEnd()
    return { flags, types: [], parameters: [] }
  }
  const nulls = body.bytes((count + 7) >> 3)
  const kinds = hasTypes(body.uint8()) ? readTypes(body, count) : typesBefore(prepared)
  if (kinds.length !== count)
    throw new ProtocolError('protocol_violation', 'values without their types')
  const parameters: Parameter[] = []
  for (let index = 0; index < count; index++) {
    const { type, unsigned } = kinds[index] as ParameterType
    const long = prepared.long.get(index)
    const isNull = ((nulls[index >> 3] as number) & (1 << (index & 7))) !== 0
    const value =
      long !== undefined
        ? Buffer.concat([...long.parts])
        : isNull
          ? null
          : meant(readValue(body, type, unsigned), type)
    parameters.push({ type: typeName(type), format: 'text', value })
  }
  body.expectEnd()
  return { flags, types: kinds, parameters }
}

/** (To a server all but 0 may be a yes.) */
function hasTypes(flag: number): boolean {
  if (flag > 1) throw new ProtocolError('protocol_violation', 'values with or without types')
  return flag === 1
}

/** Throws AccessDenied. */
function typesBefore({ types, typesKept }: Prepared): readonly ParameterType[] {
  if (typesKept) return types
  throw new AccessDenied(
    'message_unsupported',
    'the types of the values were sent with an Execute that failed: send them again',
  )
}

/** They were sent: whether the server keeps them in the place of others is known when it has begun to answer. */
export function sendTypes(prepared: Prepared, types: readonly ParameterType[]): void {
  const before = prepared.types
  const same = types.every(
    ({ type, unsigned }, at) => before[at]?.type === type && before[at]?.unsigned === unsigned,
  )
  // (Without any it runs nothing that comes without types.)
  if (before.length > 0 && !same) prepared.typesKept = false
  prepared.types = types
}

function readTypes(body: PayloadReader, count: number): readonly ParameterType[] {
  const kinds: ParameterType[] = []
  for (let index = 0; index < count; index++) {
    const type = body.uint8()
    if (UNSENT.has(type))
      throw new AccessDenied('message_unsupported', 'a value of a type that only columns have')
    kinds.push({ type, unsigned: (body.uint8() & 0x80) !== 0 })
  }
  return kinds
}

/** How many bytes a value of these takes hangs on the server: to MariaDB some are NULL, of none. */
const UNSENT: ReadonlySet<number> = new Set([
  ...[types.year, types.int24, types.bit, types.enum, types.set, types.geometry],
])

const NAMES: ReadonlyMap<number, string> = new Map(
  Object.entries(types).map(([name, number]) => [number, name]),
)

function typeName(type: number): string {
  return NAMES.get(type) ?? 'unknown'
}

/** A binary value as the text that means it. Throws ProtocolError. */
export function readValue(
  reader: PayloadReader,
  type: number,
  unsigned: boolean,
): Uint8Array | null {
  switch (type) {
    case types.null:
      return null
    case types.tiny:
      return number(reader, 1, unsigned)
    case types.short:
    case types.year:
      return number(reader, 2, unsigned)
    case types.long:
    case types.int24:
      return number(reader, 4, unsigned)
    case types.longlong:
      return number(reader, 8, unsigned)
    case types.float:
      return text(String(Math.fround(viewOf(reader.bytes(4)).readFloatLE(0))))
    case types.double:
      return text(String(viewOf(reader.bytes(8)).readDoubleLE(0)))
    case types.date:
    case types.datetime:
    case types.timestamp:
      return dateValue(reader)
    case types.time:
      return timeValue(reader)
    default:
      if (!NAMES.has(type))
        throw new ProtocolError('protocol_violation', 'a value of no known type')
      return reader.lenencBytes()
  }
}

const NUMBER = /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:e[+-]?\d+)?$/i
const DAY = String.raw`\d{4}-(?:0\d|1[0-2])-(?:[0-2]\d|3[01])`
const CLOCK = String.raw`[0-5]\d:[0-5]\d(?:\.\d{6})?`
const MOMENT = new RegExp(`^${DAY}(?: (?:[01]\\d|2[0-3]):${CLOCK})?$`)

/** What a server takes such a value for when it has another form: zero, most often. */
const FORMS: ReadonlyMap<number, RegExp> = new Map([
  [types.decimal, NUMBER],
  [types.newDecimal, NUMBER],
  [types.float, NUMBER],
  [types.double, NUMBER],
  [types.date, new RegExp(`^${DAY}(?: 00:00:00(?:\\.0+)?)?$`)],
  [types.datetime, MOMENT],
  [types.timestamp, MOMENT],
  [types.time, new RegExp(`^-?(?:\\d\\d|[0-7]\\d\\d|8[0-2]\\d|83[0-8]):${CLOCK}$`)],
])

/** It is to the server what it is to us. Throws AccessDenied. */
function meant(value: Uint8Array | null, type: number): Uint8Array | null {
  const form = value === null ? undefined : FORMS.get(type)
  if (form !== undefined && !form.test(Buffer.from(value ?? []).toString('latin1')))
    throw new AccessDenied('message_unsupported', 'a value that is none of its type')
  return value
}

const viewOf = (bytes: Uint8Array): Buffer =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
const text = (value: string): Uint8Array => Buffer.from(value)
const two = (value: number): string => String(value).padStart(2, '0')

function number(reader: PayloadReader, size: number, unsigned: boolean): Uint8Array {
  if (size === 8) {
    const [low, high] = [reader.uint32(), reader.uint32()]
    // (Where a number of ours holds it exactly.)
    if (high < 0x200000) return text(String(high * 0x100000000 + low))
    const whole = (BigInt(high) << 32n) | BigInt(low)
    return text(String(unsigned ? whole : BigInt.asIntN(64, whole)))
  }
  const value = size === 4 ? reader.uint32() : size === 2 ? reader.uint16() : reader.uint8()
  const half = 2 ** (8 * size - 1)
  return text(String(unsigned || value < half ? value : value - 2 * half))
}

function micros(reader: PayloadReader, length: number, most: number): string {
  if (length < most) return ''
  return `.${String(reader.uint32()).padStart(6, '0')}`
}

function dateValue(reader: PayloadReader): Uint8Array {
  const length = reader.uint8()
  if (![0, 4, 7, 11].includes(length)) throw malformedTime()
  if (length === 0) return text('0000-00-00')
  const year = String(reader.uint16()).padStart(4, '0')
  const day = `${year}-${two(reader.uint8())}-${two(reader.uint8())}`
  if (length === 4) return text(day)
  const time = `${two(reader.uint8())}:${two(reader.uint8())}:${two(reader.uint8())}`
  return text(`${day} ${time}${micros(reader, length, 11)}`)
}

function timeValue(reader: PayloadReader): Uint8Array {
  const length = reader.uint8()
  if (![0, 8, 12].includes(length)) throw malformedTime()
  if (length === 0) return text('00:00:00')
  const sign = reader.uint8() !== 0 ? '-' : ''
  const hours = reader.uint32() * 24 + reader.uint8()
  const rest = `${two(reader.uint8())}:${two(reader.uint8())}`
  return text(`${sign}${two(hours)}:${rest}${micros(reader, length, 12)}`)
}

function malformedTime(): ProtocolError {
  return new ProtocolError('protocol_violation', 'a time of an impossible length')
}
