// Hashes and their spellings. WebCrypto does the work.
export type Bytes = Uint8Array<ArrayBuffer>

/** Something does not hold. `message` is for the person who looks. */
export class Broken extends Error {}

export async function sha256(bytes: Bytes): Promise<Bytes> {
  return new Uint8Array(await crypto.subtle.digest('SHA-256', bytes))
}

/** RFC 6962 section 2.1: SHA-256(0x00 || entry). */
export function leafHash(entry: Bytes): Promise<Bytes> {
  return sha256(joined(Uint8Array.of(0), entry))
}

/** SHA-256(0x01 || left || right). */
export function nodeHash(left: Bytes, right: Bytes): Promise<Bytes> {
  return sha256(joined(Uint8Array.of(1), left, right))
}

export function joined(...parts: readonly Bytes[]): Bytes {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    all.set(part, at)
    at += part.length
  }
  return all
}

export function same(a: Bytes, b: Bytes): boolean {
  return a.length === b.length && a.every((byte, at) => byte === b[at])
}

export function hex(bytes: Bytes): string {
  return Array.from(bytes, byte => byte.toString(16).padStart(2, '0')).join('')
}

export function base64(bytes: Bytes): string {
  return btoa(Array.from(bytes, byte => String.fromCharCode(byte)).join(''))
}

/** Base64 in its one spelling: with padding, spare bits zero. Undefined for anything else. */
export function fromBase64(text: string): Bytes | undefined {
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(text) || text.length % 4 !== 0) return undefined
  const bytes = Uint8Array.from(atob(text), each => each.charCodeAt(0))
  return base64(bytes) === text ? bytes : undefined
}

export function utf8(text: string): Bytes {
  return new TextEncoder().encode(text)
}
