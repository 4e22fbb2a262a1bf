// RFC 6962 section 2.1: how leaves and nodes are hashed. Knows nothing of records or of where hashes live.
import { hash } from 'node:crypto'

export const HASH_BYTES = 32

/** The root of the tree without leaves: SHA-256 of nothing. */
export const EMPTY_ROOT: Uint8Array = hash('sha256', '', 'buffer')

// By way of a string: Node makes a Buffer of its own for `'buffer'`, which takes longer than the hash itself.
function sha256(bytes: Uint8Array): Uint8Array {
  return Buffer.from(hash('sha256', bytes, 'latin1'), 'latin1')
}

/** MTH({d}) = SHA-256(0x00 || d). */
export function leafHash(record: Uint8Array): Uint8Array {
  const prefixed = new Uint8Array(record.length + 1)
  prefixed.set(record, 1)
  return sha256(prefixed)
}

/**
 * As `leafHash`, without a copy: `bytes[start - 1]` is overwritten with the prefix 0x00, so the caller owns
 * that byte (the writer keeps its frame header there and fills it afterwards).
 */
export function leafHashInPlace(bytes: Uint8Array, start: number, end: number): Uint8Array {
  bytes[start - 1] = 0
  return sha256(bytes.subarray(start - 1, end))
}

// One scratch for all: the call below is synchronous, so nobody sees it half filled.
const pair = new Uint8Array(1 + 2 * HASH_BYTES)
pair[0] = 1

/** SHA-256(0x01 || left || right). */
export function nodeHash(left: Uint8Array, right: Uint8Array): Uint8Array {
  pair.set(left, 1)
  pair.set(right, 1 + HASH_BYTES)
  return sha256(pair)
}

/** Hashes are public: no constant time needed. */
export function sameHash(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0
}
