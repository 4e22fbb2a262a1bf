// Streams as channels of a WebSocket (channel.k8s.io): the first byte of a message says which. Messages are read on both
// sides, and what goes on is written anew.
import { Buffer } from 'node:buffer'
import { ProtocolError } from '#model'
import type { Governor, Ways } from './governor.ts'
import type { MessageEnd, MessageReceiver } from './message-end.ts'

/** v5: the next byte names a channel on which no more comes. */
const HALF_CLOSE = 255

export interface ChannelSides {
  readonly client: MessageEnd
  readonly upstream: MessageEnd
}

export class ChannelRelay {
  readonly #sides: () => ChannelSides
  readonly #halfClose: boolean
  #governors: readonly (Governor | undefined)[] = []

  /** `sides` is asked once messages come. */
  constructor(sides: () => ChannelSides, halfClose: boolean) {
    this.#sides = sides
    this.#halfClose = halfClose
  }

  /** By their numbers; undefined: nothing goes on there. */
  open(governors: readonly (Governor | undefined)[]): void {
    this.#governors = governors
  }

  /** What a client says. */
  fromClient(): MessageReceiver['message'] {
    const reader = new ChannelReader()
    return (part, first, last) => {
      const { channel, bytes } = reader.read(part, first)
      if (channel === undefined) return
      if (channel === HALF_CLOSE && this.#halfClose) return this.#closed(reader, bytes, last)
      // As the server itself does with what it has no stream for.
      if (bytes.length > 0) this.#governors[channel]?.fromClient(bytes, false)
    }
  }

  fromUpstream(): MessageReceiver['message'] {
    const reader = new ChannelReader()
    return (part, first, last) => {
      const { channel, bytes } = reader.read(part, first)
      if (channel === undefined) return
      const governor = this.#governors[channel]
      if (governor === undefined) return
      if (bytes.length > 0) governor.fromUpstream(bytes, false)
      else if (last && reader.size === 0) {
        // An empty one says that the command has begun.
        const { client, upstream } = this.#sides()
        upstream.hold(client.write(Buffer.from([channel])))
      }
    }
  }

  ways(channel: number): Ways {
    return {
      toClient: bytes => {
        if (bytes.length === 0) return undefined
        const { client, upstream } = this.#sides()
        const full = client.write(Buffer.concat([Buffer.from([channel]), bytes]))
        upstream.hold(full)
        return full
      },
      toUpstream: (bytes, last) => {
        const { client, upstream } = this.#sides()
        if (bytes.length > 0)
          client.hold(upstream.write(Buffer.concat([Buffer.from([channel]), bytes])))
        if (last && this.#halfClose) upstream.write(Buffer.from([HALF_CLOSE, channel]))
      },
    }
  }

  #closed(reader: ChannelReader, bytes: Buffer, last: boolean): void {
    if (reader.size > 1) throw broken('more than one channel is closed by a message')
    if (bytes.length > 0) reader.named = bytes[0]
    if (!last) return
    if (reader.named === undefined) throw broken('no channel is closed by a message')
    this.#governors[reader.named]?.fromClient(Buffer.alloc(0), true)
    reader.named = undefined
  }
}

/** Of one direction: which channel the message under way is for. */
class ChannelReader {
  /** Bytes of the message behind the first. */
  size = 0
  named: number | undefined
  #channel: number | undefined

  read(part: Buffer, first: boolean): { channel: number | undefined; bytes: Buffer } {
    if (first) {
      this.#channel = undefined
      this.size = 0
    }
    let bytes = part
    if (this.#channel === undefined) {
      if (part.length === 0) return { channel: undefined, bytes }
      this.#channel = part[0]
      bytes = part.subarray(1)
    }
    this.size += bytes.length
    return { channel: this.#channel, bytes }
  }
}

function broken(message: string): ProtocolError {
  return new ProtocolError('protocol_violation', `WebSocket: ${message}`)
}
