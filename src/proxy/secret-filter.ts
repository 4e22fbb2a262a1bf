// Takes the gateway's own secrets out of what an upstream sends back: some services answer with what they were asked. Of the
// same length, so that what is framed stays framed. Sees them as they were sent, not encoded otherwise.
import { Buffer } from 'node:buffer'

const STAR = 0x2a
const NOTHING = Buffer.alloc(0)
/** By the list, which is the same for as long as the credential is. */
const known = new WeakMap<readonly string[], readonly Buffer[]>()

function bytesOf(secrets: readonly string[]): readonly Buffer[] {
  let bytes = known.get(secrets)
  if (bytes === undefined) {
    bytes = secrets.filter(secret => secret !== '').map(secret => Buffer.from(secret))
    known.set(secrets, bytes)
  }
  return bytes
}

export class SecretFilter {
  readonly #secrets: readonly Buffer[]
  readonly #longest: number
  /** The end of what came, as it came, where it may be the beginning of a secret. */
  #kept: Buffer = NOTHING
  /** So much of it is the end of another one. */
  #ending = 0

  constructor(secrets: readonly string[]) {
    this.#secrets = bytesOf(secrets)
    this.#longest = this.#secrets.reduce((most, { length }) => Math.max(most, length), 0)
  }

  /** What may go on of all that came so far. */
  write(chunk: Uint8Array): Uint8Array {
    if (this.#longest === 0) return chunk
    const view = Buffer.isBuffer(chunk)
      ? chunk
      : Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length)
    return this.#pass(this.#kept.length === 0 ? view : Buffer.concat([this.#kept, view]), false)
  }

  end(): Uint8Array {
    return this.#pass(this.#kept, true)
  }

  /** The bytes themselves when there is nothing in them: they may be somebody else's. */
  #pass(bytes: Buffer, last: boolean): Buffer {
    const to = last ? bytes.length : bytes.length - this.#begun(bytes)
    let ending = 0
    let out = bytes
    const cover = (from: number, until: number): void => {
      if (out === bytes) out = Buffer.from(bytes)
      out.fill(STAR, from, until)
      ending = Math.max(ending, until - to)
    }
    if (this.#ending > 0) cover(0, this.#ending)
    // Looked for in what came: a secret may be a part of another one, or overlap it.
    for (const secret of this.#secrets)
      for (let at = bytes.indexOf(secret); at >= 0; at = bytes.indexOf(secret, at + 1)) {
        // What begins in what is kept is found again.
        if (at >= to) break
        cover(at, at + secret.length)
      }
    this.#kept = to === bytes.length ? NOTHING : Buffer.from(bytes.subarray(to))
    this.#ending = ending
    return to === bytes.length ? out : out.subarray(0, to)
  }

  /** How many of the last bytes a secret may begin with. */
  #begun(bytes: Buffer): number {
    for (let at = Math.max(0, bytes.length - this.#longest + 1); at < bytes.length; at += 1)
      for (const secret of this.#secrets) {
        if (secret[0] !== bytes[at] || bytes.length - at >= secret.length) continue
        if (bytes.compare(secret, 0, bytes.length - at, at) === 0) return bytes.length - at
      }
    return 0
  }
}
