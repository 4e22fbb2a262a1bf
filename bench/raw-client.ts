// A PostgreSQL client on a bare socket, for what no ordinary client does: a reader that reads as slowly as
// it likes, a thousand sessions in one process, and big answers where no C compiler is at hand.
// Speaks trust and cleartext only, and only to 127.0.0.1.
import { connect, type Socket } from 'node:net'
import type { Target } from './method.ts'

export interface RawSession {
  readonly socket: Socket
  /** Sends a text and counts the answer until ReadyForQuery. */
  ask(text: string): Promise<{ rows: number; bytes: number }>
  /** Sends a text and takes at most so many bytes of the answer per second, for so long. */
  sip(text: string, bytesPerSecond: number, milliseconds: number): Promise<number>
  end(): void
}

/** Opens a session and waits until the server is ready. */
export async function openRaw(target: Target): Promise<RawSession> {
  const socket = connect(target.port, '127.0.0.1').setNoDelay(true)
  const frames = counter()
  let waiting: { resolve(): void; reject(error: Error): void } | undefined
  const settled = () =>
    new Promise<void>((resolve, reject) => {
      waiting = { resolve, reject }
    })
  const failed = (error: Error) => waiting?.reject(error)
  socket.on('error', failed)
  socket.on('close', () => failed(new Error('the connection ended')))
  socket.on('data', (chunk: Buffer) =>
    frames.take(chunk, (type, body) => {
      if (type === 0x5a) waiting?.resolve()
      else if (type === 0x45) failed(new Error(body.toString('utf8').replaceAll('\0', ' ')))
      else if (type === 0x52 && body.length >= 4 && body.readInt32BE(0) === 3) {
        socket.write(message('p', `${target.password}\0`))
      }
    }),
  )
  const ready = settled()
  socket.write(startup(target))
  await ready
  return {
    socket,
    async ask(text) {
      frames.reset()
      const answered = settled()
      socket.write(message('Q', `${text}\0`))
      await answered
      return { rows: frames.rows, bytes: frames.bytes }
    },
    async sip(text, bytesPerSecond, milliseconds) {
      socket.removeAllListeners('data')
      socket.pause()
      let taken = 0
      socket.on('data', chunk => {
        taken += chunk.length
        socket.pause()
      })
      socket.write(message('Q', `${text}\0`))
      const begun = Date.now()
      while (Date.now() - begun < milliseconds) {
        if (taken < ((Date.now() - begun) / 1000) * bytesPerSecond) socket.resume()
        await new Promise(resolve => setTimeout(resolve, 10))
      }
      return taken
    },
    end() {
      waiting = undefined
      socket.destroy()
    },
  }
}

function startup(target: Target): Buffer {
  const body = Buffer.from(`user\0${target.user}\0database\0${target.database}\0\0`)
  const head = Buffer.alloc(8)
  head.writeInt32BE(body.length + 8, 0)
  head.writeInt32BE(196608, 4)
  return Buffer.concat([head, body])
}

function message(type: string, text: string): Buffer {
  const body = Buffer.from(text)
  const head = Buffer.alloc(5)
  head.write(type, 0, 'latin1')
  head.writeInt32BE(body.length + 4, 1)
  return Buffer.concat([head, body])
}

/** Walks frames over chunks. Bodies of rows are skipped, not kept. */
function counter() {
  let head = Buffer.alloc(0)
  let skip = 0
  const counted = {
    rows: 0,
    bytes: 0,
    reset() {
      counted.rows = 0
      counted.bytes = 0
    },
    take(chunk: Buffer, control: (type: number, body: Buffer) => void) {
      counted.bytes += chunk.length
      let rest = head.length > 0 ? Buffer.concat([head, chunk]) : chunk
      head = Buffer.alloc(0)
      for (;;) {
        if (skip > 0) {
          const step = Math.min(skip, rest.length)
          skip -= step
          rest = rest.subarray(step)
        }
        if (skip > 0 || rest.length < 5) break
        const [type, size] = [rest[0] ?? 0, rest.readInt32BE(1) + 1]
        if (type === 0x44) {
          counted.rows += 1
          skip = size
        } else if (rest.length >= size) {
          control(type, rest.subarray(5, size))
          rest = rest.subarray(size)
        } else break
      }
      if (skip === 0) head = Buffer.from(rest)
    },
  }
  return counted
}
