// The file of a recording: an 8-byte mark, then blocks of `length (u32 BE) | sealed bytes`. A block is lines of JSON, some
// of them followed by bytes (`event-lines`),
// compressed with zstd unless it is small, sealed with AES-256-GCM under the session's key (nonce | ciphertext | tag);
// its number is authenticated, so blocks cannot change places. Each block's SHA-256 goes into the audit log.
import { createCipheriv, createDecipheriv, hash, randomBytes } from 'node:crypto'
import type { FileHandle } from 'node:fs/promises'
import { promisify } from 'node:util'
import { constants, zstdCompress, zstdDecompressSync } from 'node:zlib'
import { InvalidRequest } from '#model'

const compress = promisify(zstdCompress)
export const MARK = Buffer.from('SPREC002', 'latin1')
/** Of recordings that have no line followed by bytes. */
const FIRST_MARK = Buffer.from('SPREC001', 'latin1')
const FASTEST = { [constants.ZSTD_c_compressionLevel]: 1 }
const WORTH_COMPRESSING_BYTES = 16 * 1024
/** Each piece of what comes out is a turn of a thread. */
const COMPRESSED_AT_ONCE_BYTES = 64 * 1024
/** RFC 8878 3.1.1: no line of JSON begins with it. */
const ZSTD_MAGIC = Buffer.from([0x28, 0xb5, 0x2f, 0xfd])
const NONCE_BYTES = 12
const TAG_BYTES = 16
const MOST_BLOCK_BYTES = 64 * 1024 * 1024
const FIRST_PLACE = { number: 0, at: MARK.length }

/** Compresses and seals one block. Gives the bytes for the file (with the length) and their hash. */
export async function sealBlock(
  text: Buffer,
  key: Uint8Array,
  number: number,
): Promise<{ bytes: Buffer; sha256: string }> {
  // A compressor costs half a millisecond to set up: a short session's only block is not worth it.
  // (It sets aside as much memory as the length asks for, or megabytes when it does not know.)
  const plain =
    text.length < WORTH_COMPRESSING_BYTES
      ? text
      : await compress(text, {
          params: FASTEST,
          pledgedSrcSize: text.length,
          chunkSize: COMPRESSED_AT_ONCE_BYTES,
        })
  const nonce = randomBytes(NONCE_BYTES)
  const cipher = createCipheriv('aes-256-gcm', key, nonce)
  cipher.setAAD(numberBytes(number))
  const hidden = cipher.update(plain)
  cipher.final()
  const length = numberBytes(NONCE_BYTES + hidden.length + TAG_BYTES)
  const bytes = Buffer.concat([length, nonce, hidden, cipher.getAuthTag()])
  return { bytes, sha256: hash('sha256', bytes.subarray(length.length), 'hex') }
}

/**
 * Opens the blocks of a file in order, one at a time: a recording may be larger than memory. A torn last block (a crash while it was written) ends the
 * recording; anything else that does not open is refused.
 */
export async function* openBlocks(
  file: Readable,
  key: Uint8Array,
  from: BlockPlace = FIRST_PLACE,
): AsyncGenerator<Buffer> {
  await checkMark(file)
  for (let place = from; ; ) {
    const length = await lengthAt(file, place)
    if (length === undefined) return
    const sealed = await bytesAt(file, place.at + 4, length)
    if (sealed.length < length) return
    yield openBlock(sealed, key, place.number)
    place = { number: place.number + 1, at: place.at + 4 + length }
  }
}

export interface BlockPlace {
  readonly number: number
  /** In the file. */
  readonly at: number
}

type Readable = Pick<FileHandle, 'read'>

/** Where the blocks are: nothing of them is read but their lengths. A torn last one is not among them. */
export async function blockPlaces(file: Pick<FileHandle, 'read' | 'stat'>): Promise<BlockPlace[]> {
  await checkMark(file)
  const { size } = await file.stat()
  const places: BlockPlace[] = []
  for (let place = FIRST_PLACE; ; ) {
    const length = await lengthAt(file, place)
    if (length === undefined || place.at + 4 + length > size) return places
    places.push(place)
    place = { number: place.number + 1, at: place.at + 4 + length }
  }
}

async function checkMark(file: Readable): Promise<void> {
  const mark = await bytesAt(file, 0, MARK.length)
  if (!mark.equals(MARK) && !mark.equals(FIRST_MARK)) throw damaged('it is not a recording')
}

/** Undefined at the end. */
async function lengthAt(file: Readable, { at }: BlockPlace): Promise<number | undefined> {
  const head = await bytesAt(file, at, 4)
  if (head.length < 4) return undefined
  const length = head.readUInt32BE()
  if (length > MOST_BLOCK_BYTES || length < NONCE_BYTES + TAG_BYTES)
    throw damaged('a block has no sane length')
  return length
}

async function bytesAt(file: Readable, at: number, length: number): Promise<Buffer> {
  const buffer = Buffer.alloc(length)
  const { bytesRead } = await file.read(buffer, 0, length, at)
  return buffer.subarray(0, bytesRead)
}

function openBlock(sealed: Buffer, key: Uint8Array, number: number): Buffer {
  try {
    const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(0, NONCE_BYTES))
    decipher.setAAD(numberBytes(number))
    decipher.setAuthTag(sealed.subarray(sealed.length - TAG_BYTES))
    const plain = Buffer.concat([
      decipher.update(sealed.subarray(NONCE_BYTES, sealed.length - TAG_BYTES)),
      decipher.final(),
    ])
    const compressed = plain.subarray(0, ZSTD_MAGIC.length).equals(ZSTD_MAGIC)
    return compressed ? zstdDecompressSync(plain, { maxOutputLength: MOST_BLOCK_BYTES }) : plain
  } catch (error) {
    // Wrong key, changed bytes or a changed order: one answer, nothing of the block is shown.
    throw damaged(`block ${number} does not open`, error)
  }
}

function numberBytes(number: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(number)
  return bytes
}

export function damaged(why: string, cause?: unknown): InvalidRequest {
  return new InvalidRequest('request_invalid', `The recording is damaged: ${why}.`, { cause })
}
