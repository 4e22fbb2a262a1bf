// Protobuf's own encoding: fields one after the other (protobuf.dev/programming-guides/encoding). Strict: what a writer of
// Kubernetes never writes is refused, so that nobody behind us can read it otherwise.
import { InvalidRequest } from '#model'

export type Value = number | Uint8Array

export const unreadable = (why: string) =>
  new InvalidRequest('statement_unreadable', `the protobuf body cannot be read: ${why}`, {
    hint: 'Send the body as application/json.',
  })

/** Tells each field's number and what it holds: an integer, or bytes. */
export function eachField(bytes: Uint8Array, hear: (number: number, value: Value) => void): void {
  let at = 0
  const varint = (): bigint => {
    let value = 0n
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = bytes[at]
      if (byte === undefined) throw unreadable('it ends inside of a number')
      at += 1
      value |= BigInt(byte & 127) << shift
      if (byte < 128) return value
    }
    throw unreadable('a number is too long')
  }
  while (at < bytes.length) {
    const key = varint()
    const number = Number(key >> 3n)
    const wire = Number(key & 7n)
    if (number === 0 || number > 536_870_911) throw unreadable('a field has no number')
    if (wire === 0) hear(number, integer(varint()))
    else if (wire === 2) {
      const length = varint()
      if (length > BigInt(bytes.length - at)) throw unreadable('a field is longer than the body')
      hear(number, bytes.subarray(at, at + Number(length)))
      at += Number(length)
    } else throw unreadable('a field has an unexpected form')
  }
}

/** Two's complement of 64 bits; numbers that JSON cannot carry exactly are refused. */
function integer(value: bigint): number {
  const signed = BigInt.asIntN(64, value)
  if (
    value >= 1n << 64n ||
    BigInt(Number(signed)) !== signed ||
    !Number.isSafeInteger(Number(signed))
  )
    throw unreadable('a number is out of range')
  return Number(signed)
}

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

export function stringOf(bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes)
  } catch {
    // The API server would keep other bytes than those that were judged.
    throw unreadable('a string is not UTF-8')
  }
}
