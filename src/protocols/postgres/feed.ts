// The frames of a session, as both pumps cut them.
import type { FrameLayout } from '#engines/wire'

/** The header: a type byte, and a length that counts itself but not the type. */
export const HEADER = 5

/** The length word of the frame at `at`, unsigned: a hostile sign bit is a huge number, never a negative one. */
export function lengthAt(bytes: Uint8Array, at: number): number {
  return (
    (bytes[at + 1] as number) * 0x1000000 +
    (((bytes[at + 2] as number) << 16) |
      ((bytes[at + 3] as number) << 8) |
      (bytes[at + 4] as number))
  )
}

export const frames: FrameLayout = {
  headerBytes: HEADER,
  frameBytes: (bytes, at) => 1 + lengthAt(bytes, at),
}
