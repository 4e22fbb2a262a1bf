// Where a socket's bytes are read to. Node allocates 64 KiB for each read, cuts it down to what came and makes an ArrayBuffer of
// it, which the collector has to let go of one by one: for the hundred bytes of a statement that costs as much as the read.
// Here all sockets read into one buffer, out of which each chunk is copied before anything else is done; a socket that fills
// it gets buffers of its own, used once and handed on as they are (docs/adr/0018).
import { Socket } from 'node:net'
import { Duplex } from 'node:stream'

/** What Node allocates for a read: with less a large answer takes more of them. */
const READ_BYTES = 64 * 1024

const shared = Buffer.allocUnsafeSlow(READ_BYTES)

/** What a socket that was made with `onread` has; the names are private, so they are looked for. */
interface Names {
  readonly buffer: symbol
  readonly callback: symbol
  readonly generator: symbol
}

const names = namesOf(new Socket({ onread: { buffer: shared, callback: () => true } } as object))

interface Reading {
  readonly _handle?: { useUserBuffer?(buffer: Buffer): unknown } | null
  [name: symbol]: unknown
}

/**
 * Each chunk that is read is given to `push`, which owns it and answers as `Readable.push` does. False: this socket reads as
 * ever. Pausing, ending and failing are what they were.
 */
export function readShared(socket: Socket, push: (chunk: Buffer) => boolean): boolean {
  const inner = socket as unknown as Reading
  const handle = inner._handle
  if (names === undefined || typeof handle?.useUserBuffer !== 'function') return false
  if (inner[names.buffer] != null) return false
  // The buffer for the next read, when it is another one.
  let next: Buffer | undefined
  inner[names.buffer] = shared
  inner[names.callback] = (length: number, bytes: Buffer): boolean => {
    next = undefined
    if (bytes !== shared) {
      // Ours alone, and never read to again: TCP is read in turns of the loop alone, and TLS, which hands on 16 KiB at most, never
      // gets one. Where it was not filled there was no more: nobody sits idle on one.
      next = length < READ_BYTES ? shared : Buffer.allocUnsafeSlow(READ_BYTES)
      return push(length === bytes.length ? bytes : bytes.subarray(0, length))
    }
    if (length === READ_BYTES) next = Buffer.allocUnsafeSlow(READ_BYTES)
    const chunk = Buffer.allocUnsafe(length)
    shared.copy(chunk, 0, 0, length)
    return push(chunk)
  }
  inner[names.generator] = () => next
  handle.useUserBuffer(shared)
  // A socket with a buffer of its own stops reading at once when it is paused, and would not see its peer leave. As it was, it reads
  // until its stream is full.
  socket.pause = Duplex.prototype.pause as Socket['pause']
  return true
}

function namesOf(socket: Socket): Names | undefined {
  const known = Object.getOwnPropertySymbols(socket)
  const [buffer, callback, generator] = ['kBuffer', 'kBufferCb', 'kBufferGen'].map(name =>
    known.find(({ description }) => description === name),
  )
  // Another Node may have other names: reading as ever is slower, and right.
  if (buffer === undefined || callback === undefined || generator === undefined) return undefined
  return { buffer, callback, generator }
}
