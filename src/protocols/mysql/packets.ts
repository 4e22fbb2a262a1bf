// Packets: three bytes of length, one of sequence, and a payload. A payload of 16 MiB or more goes on in the next
// packet. Knows no message.
import type { FrameLayout } from '#engines/wire'

export const HEADER = 4
/** A payload so long goes on in the next packet. */
export const FULL = 0xffffff

export function payloadLength(bytes: Uint8Array, at: number): number {
  return (
    (bytes[at] as number) | ((bytes[at + 1] as number) << 8) | ((bytes[at + 2] as number) << 16)
  )
}

export const packetFrames: FrameLayout = {
  headerBytes: HEADER,
  frameBytes: (bytes, at) => HEADER + payloadLength(bytes, at),
}

export function writeHeader(out: Uint8Array, at: number, length: number, sequence: number): void {
  out[at] = length
  out[at + 1] = length >>> 8
  out[at + 2] = length >>> 16
  out[at + 3] = sequence
}

/** The payload as packets, numbered from `sequence` on. */
export function packets(payload: Uint8Array, sequence: number): Buffer {
  const count = Math.floor(payload.length / FULL) + 1
  const out = Buffer.allocUnsafe(payload.length + count * HEADER)
  let at = 0
  for (let part = 0; part < count; part++) {
    const from = part * FULL
    const length = Math.min(FULL, payload.length - from)
    writeHeader(out, at, length, sequence + part)
    out.set(payload.subarray(from, from + length), at + HEADER)
    at += HEADER + length
  }
  return out
}

/** How many packets a payload so long takes. */
export function packetCount(length: number): number {
  return Math.floor(length / FULL) + 1
}
