// A PostgreSQL client that sends many questions without waiting and keeps every byte of each answer. Speaks
// trust and cleartext, to loopback only.
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

export interface Target {
  readonly port: number
  readonly user: string
  readonly password: string
  readonly database: string
}

/** What is sent at once, and how many ReadyForQuery end its answer. */
export interface Question {
  readonly frames: readonly Uint8Array[]
  readonly ready: number
}

export interface Frame {
  readonly type: string
  readonly body: Buffer
}

export interface Answer {
  readonly frames: readonly Frame[]
  /** All of them as they came. */
  readonly bytes: Buffer
  /** The session ended before the answer did. */
  readonly ended: boolean
}

const AHEAD = 24

/** Asks all, in order, on one session; on another one from where a session ends. */
export async function askAll(
  target: Target,
  questions: readonly Question[],
): Promise<readonly Answer[]> {
  const answers: Answer[] = []
  while (answers.length < questions.length) {
    const wire = await Wire.open(target)
    try {
      await wire.ask(questions.slice(answers.length), answers)
    } finally {
      wire.close()
    }
  }
  return answers
}

class Wire {
  readonly #socket: Socket
  #bytes: Buffer = Buffer.alloc(0)
  #wake: () => void = () => {}
  #over = false

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.on('data', (chunk: Buffer) => {
      this.#bytes = this.#bytes.length === 0 ? chunk : Buffer.concat([this.#bytes, chunk])
      this.#wake()
    })
    // Ends come with 'close'; why is of no interest here.
    socket.on('error', () => {})
    socket.on('close', () => {
      this.#over = true
      this.#wake()
    })
  }

  static async open(target: Target): Promise<Wire> {
    const socket = connect(target.port, '127.0.0.1').setNoDelay(true)
    await once(socket, 'connect')
    const wire = new Wire(socket)
    const parameters = Buffer.from(`user\0${target.user}\0database\0${target.database}\0\0`)
    const head = Buffer.alloc(8)
    head.writeInt32BE(parameters.length + 8)
    head.writeInt32BE(196_608, 4)
    socket.write(Buffer.concat([head, parameters]))
    for (;;) {
      const frame = await wire.#frame()
      if (frame?.type === 'Z') return wire
      if (frame === undefined || frame.type === 'E') {
        throw new Error(`no session: ${frame?.body.toString('utf8').replaceAll('\0', ' ')}`)
      }
      if (frame.type === 'R' && frame.body.readInt32BE(0) === 3) {
        const password = Buffer.from(`p\0\0\0\0${target.password}\0`)
        password.writeInt32BE(password.length - 1, 1)
        socket.write(password)
      }
    }
  }

  async ask(questions: readonly Question[], into: Answer[]): Promise<void> {
    let sent = 0
    for (let asked = 0; asked < questions.length; asked++) {
      if (sent <= asked + AHEAD / 2) {
        const next = questions.slice(sent, asked + AHEAD)
        this.#socket.write(Buffer.concat(next.flatMap(({ frames }) => frames)))
        sent += next.length
      }
      const frames: Frame[] = []
      let left = questions[asked]?.ready ?? 0
      while (left > 0) {
        const frame = await this.#frame()
        if (frame === undefined) break
        frames.push(frame)
        if (frame.type === 'Z') left -= 1
      }
      into.push({ frames, bytes: Buffer.concat(frames.map(({ body }) => body)), ended: left > 0 })
      if (left > 0) return
    }
  }

  close(): void {
    this.#socket.destroy()
  }

  /** The next frame; undefined when the session is over. */
  async #frame(): Promise<Frame | undefined> {
    for (;;) {
      const bytes = this.#bytes
      const length = bytes.length < 5 ? Number.POSITIVE_INFINITY : 1 + bytes.readUInt32BE(1)
      if (bytes.length >= length) {
        this.#bytes = bytes.subarray(length)
        return { type: String.fromCharCode(bytes[0] ?? 0), body: bytes.subarray(5, length) }
      }
      if (this.#over) return undefined
      await new Promise<void>((resolve, reject) => {
        const timer = setTimeout(() => reject(new Error('no frame came within 100 s')), 100_000)
        this.#wake = () => {
          clearTimeout(timer)
          resolve()
        }
      })
    }
  }
}
