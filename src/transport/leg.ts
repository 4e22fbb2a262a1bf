// One socket as a relay uses it: chunks in as they were read, bytes out at once. A TCP socket's stream machinery costs
// as much per chunk as the rest of a relay, so while nothing waits in it, it is gone around (docs/adr/0018); whatever
// waits, pauses, ends or fails goes through it as ever. Any other stream is used as it is.
import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { attention } from './attention.ts'
import { readShared } from './shared-reads.ts'

/** What the streams say of bytes; the type knows only texts. */
const NO_ENCODING = 'buffer' as BufferEncoding

export class Leg {
  readonly #socket: Duplex
  /** True for a bare TCP socket: TLS and the doubles of tests need their streams' order of doing things. */
  readonly #bare: boolean
  /** Bytes that were given to the system directly and are not sent yet. */
  #waiting = 0
  #onDrain: (() => void) | undefined
  #undo: (() => void)[] = []
  #writing = false
  /** Called before `_write` returns when all was sent at once. */
  readonly #written = (error?: Error | null): void => {
    this.#waiting = 0
    if (error != null) this.#socket.destroy(error)
    else if (!this.#writing) this.#onDrain?.()
  }

  constructor(socket: Duplex) {
    this.#socket = socket
    this.#bare = socket.constructor === Socket
  }

  /** Bytes that are not sent yet; 0: what was written was sent, or copied. */
  get unsent(): number {
    return this.#waiting + this.#socket.writableLength
  }

  get destroyed(): boolean {
    return this.#socket.destroyed
  }

  /** Hands each chunk on; it is the receiver's from then on. A paused socket keeps what comes, as ever. */
  onData(receive: (chunk: Buffer) => void): void {
    const socket = this.#socket
    const heard = (chunk: Buffer): void => {
      attention.heard(socket)
      receive(chunk)
    }
    socket.on('data', heard)
    this.#undo.push(() => socket.off('data', heard))
    if (!(socket instanceof Socket)) return
    // A read ends in `push`. While the stream flows and holds nothing, 'data' would be its next step.
    const push = socket.push
    socket.push = (chunk: unknown, encoding?: BufferEncoding): boolean => {
      if (chunk === null || socket.readableFlowing !== true || socket.readableLength > 0)
        return push.call(socket, chunk, encoding)
      heard(chunk as Buffer)
      return true
    }
    this.#undo.push(() => Reflect.deleteProperty(socket, 'push'))
    // For as long as it lives: whoever has it next hears of chunks as its stream does.
    readShared(socket, chunk => socket.push(chunk))
  }

  /** Calls when what could not be sent at once has been. */
  onDrain(listener: () => void): void {
    const socket = this.#socket
    this.#onDrain = listener
    socket.on('drain', listener)
    this.#undo.push(() => socket.off('drain', listener))
  }

  /** The bytes must not change until `unsent` is 0. */
  write(bytes: Uint8Array): void {
    const socket = this.#socket
    if (socket.destroyed || !socket.writable) return
    attention.spoke()
    if (!this.#bare || this.#waiting > 0 || socket.writableLength > 0) {
      socket.write(bytes)
      return
    }
    this.#waiting = bytes.length
    this.#writing = true
    socket._write(bytes, NO_ENCODING, this.#written)
    this.#writing = false
  }

  /** Lets go of the socket, paused: its next owner resumes it. What was written before is sent before what they write. */
  detach(): void {
    this.#socket.pause()
    this.#onDrain = undefined
    for (const each of this.#undo.splice(0)) each()
  }

  /** Sends what is there and then the end. */
  end(): void {
    this.#socket.end()
  }
}
