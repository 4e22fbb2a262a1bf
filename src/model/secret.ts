// A value that must never be seen: printing, logging and JSON give `[secret]`.
// Zeroisation in JavaScript is best effort (docs/threat-model.md): bytes are kept in a Buffer, and
// a string is made only where an interface asks for one.
const INSPECT = Symbol.for('nodejs.util.inspect.custom')

/** A secret value. */
export class Secret {
  #bytes: Uint8Array

  /** Takes a copy of `value`; a string is taken as UTF-8. */
  constructor(value: string | Uint8Array) {
    this.#bytes =
      typeof value === 'string' ? new TextEncoder().encode(value) : Uint8Array.from(value)
  }

  /** The value as text. The caller keeps it no longer than the call that needs it. */
  reveal(): string {
    return new TextDecoder('utf-8', { fatal: true }).decode(this.#bytes)
  }

  /** The value as bytes; not a copy. */
  bytes(): Uint8Array {
    return this.#bytes
  }

  get length(): number {
    return this.#bytes.length
  }

  /** Overwrites the value. */
  wipe(): void {
    this.#bytes.fill(0)
    this.#bytes = new Uint8Array(0)
  }

  toString(): string {
    return '[secret]'
  }

  toJSON(): string {
    return '[secret]'
  }

  [INSPECT](): string {
    return '[secret]'
  }
}
