// What one connection may ask of us before anybody has said who it is.

export interface HttpLimits {
  /** Request line and fields together. */
  readonly headBytes: number
  readonly fields: number
  readonly targetBytes: number
  /** `%2F` within a segment of a path is kept, for whoever serves it to judge; else it is refused. */
  readonly encodedSlash: boolean
  /** Of one chunk. */
  readonly chunkExtensionBytes: number
  readonly trailerBytes: number
  /** From its first byte to its last, however slowly they come. */
  readonly headTimeoutMs: number
  /** Between two requests. */
  readonly idleTimeoutMs: number
  /** Without a byte of a body that is being read. */
  readonly bodyIdleMs: number
  /** A client that takes nothing of what is written to it. */
  readonly writeIdleMs: number
  /** Bytes of an answer that wait to be sent before the reader is told to wait. */
  readonly unsentBytes: number
  /** HTTP/2: at once. */
  readonly streams: number
  /** HTTP/2: streams that the client reset, in ten seconds (CVE-2023-44487). */
  readonly resets: number
}

export const defaultLimits: HttpLimits = {
  headBytes: 32_768,
  fields: 100,
  targetBytes: 16_384,
  encodedSlash: false,
  chunkExtensionBytes: 256,
  trailerBytes: 8_192,
  headTimeoutMs: 15_000,
  idleTimeoutMs: 75_000,
  bodyIdleMs: 60_000,
  writeIdleMs: 60_000,
  unsentBytes: 262_144,
  streams: 100,
  resets: 200,
}
