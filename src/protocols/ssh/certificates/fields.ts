// What keys and certificates are made of (RFC 4251 section 5): read with every length checked, and written.
import { ByteReader, utf8 } from '#engines/wire'
import { ProtocolError } from '#model'

/** A length and so many bytes. A view, not a copy. */
export function stringOf(reader: ByteReader, most: number): Uint8Array {
  const length = reader.uint32()
  if (length > most) throw new ProtocolError('protocol_violation', 'a field is too long')
  return reader.bytes(length)
}

export function textOf(reader: ByteReader, most: number): string {
  return utf8(stringOf(reader, most))
}

export function uint64Of(reader: ByteReader): bigint {
  return (BigInt(reader.uint32()) << 32n) | BigInt(reader.uint32())
}

/** A number above zero in its one form: as many bytes as it takes, so that no two blobs are the same key. */
export function numberOf(reader: ByteReader, most: number): Buffer {
  const bytes = stringOf(reader, most + 1)
  const [first = 0x80, second = 0] = bytes
  const padded = first === 0 && second >= 0x80
  if (first >= 0x80 || (first === 0 && !padded))
    throw new ProtocolError('protocol_violation', 'a number is not in its shortest form')
  return Buffer.from(padded ? bytes.subarray(1) : bytes)
}

/** Every field of a list that is itself one field. */
export function* listOf(bytes: Uint8Array, most: number): Generator<Uint8Array> {
  const reader = new ByteReader(bytes)
  for (let count = 0; reader.remaining > 0; count += 1) {
    if (count >= most) throw new ProtocolError('protocol_violation', 'a list is too long')
    yield stringOf(reader, bytes.length)
  }
}

export function string(value: string | Uint8Array): Buffer {
  const bytes = typeof value === 'string' ? Buffer.from(value) : value
  return Buffer.concat([uint32(bytes.length), bytes])
}

export function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}

export function uint64(value: bigint): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64BE(value)
  return bytes
}
