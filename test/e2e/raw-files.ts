// The file protocol by hand: packets that no client of good faith sends, over a channel of the library's own client.
import ssh2, { type ClientChannel } from 'ssh2'

export interface RawAnswer {
  readonly type: number
  readonly id: number
  readonly rest: Buffer
  /** Of a status. */
  readonly code: number
}

export class RawFiles {
  /** What came on standard error. */
  said = ''
  exit: number | undefined
  readonly #channel: ClientChannel
  readonly #close: () => void
  readonly #answers: RawAnswer[] = []
  #held = Buffer.alloc(0)
  #wake: () => void = () => {}
  #closed = false
  #id = 0

  private constructor(channel: ClientChannel, close: () => void) {
    this.#channel = channel
    this.#close = close
    channel.on('data', (chunk: Buffer) => this.#take(chunk))
    channel.stderr.on('data', chunk => {
      this.said += chunk
    })
    channel.on('exit', code => {
      this.exit = code
    })
    channel.on('close', () => {
      this.#closed = true
      this.#wake()
    })
  }

  static open(port: number, username: string, password: string): Promise<RawFiles> {
    const client = new ssh2.Client()
    return new Promise((resolve, reject) => {
      client.on('error', reject)
      client.once('ready', () =>
        client.subsys('sftp', (error, channel) =>
          error ? reject(error) : resolve(new RawFiles(channel, () => client.end())),
        ),
      )
      client.connect({ host: '127.0.0.1', port, username, password, readyTimeout: 20_000 })
    })
  }

  /** INIT and its answer. */
  async greet(): Promise<RawAnswer> {
    this.raw(1, 3)
    return this.next()
  }

  /** Sends; numbers are uint32, texts strings. Answers its id. */
  send(type: number, ...fields: readonly (number | string | Buffer)[]): number {
    this.#id += 1
    this.raw(type, this.#id, ...fields)
    return this.#id
  }

  raw(type: number, ...fields: readonly (number | string | Buffer)[]): void {
    const parts = fields.map(field => {
      if (typeof field === 'number') return uint32(field)
      const bytes = Buffer.from(field as string)
      return Buffer.concat([uint32(bytes.length), bytes])
    })
    const body = Buffer.concat([Buffer.from([type]), ...parts])
    this.bytes(Buffer.concat([uint32(body.length), body]))
  }

  bytes(bytes: Buffer): void {
    this.#channel.write(bytes)
  }

  async ask(type: number, ...fields: readonly (number | string | Buffer)[]): Promise<RawAnswer> {
    this.send(type, ...fields)
    return this.next()
  }

  async next(): Promise<RawAnswer> {
    for (;;) {
      const answer = this.#answers.shift()
      if (answer !== undefined) return answer
      if (this.#closed) throw new Error('the channel ended')
      await new Promise<void>(resolve => {
        this.#wake = resolve
      })
    }
  }

  /** Resolves when the channel is over. */
  async over(): Promise<void> {
    while (!this.#closed)
      await new Promise<void>(resolve => {
        this.#wake = resolve
      })
  }

  end(): void {
    this.#close()
  }

  #take(chunk: Buffer): void {
    this.#held = Buffer.concat([this.#held, chunk])
    while (this.#held.length >= 4) {
      const length = 4 + this.#held.readUInt32BE(0)
      if (this.#held.length < length) break
      const packet = this.#held.subarray(0, length)
      this.#held = this.#held.subarray(length)
      const type = packet[4] ?? 0
      const rest = packet.subarray(9)
      const code = type === 101 ? rest.readUInt32BE(0) : -1
      this.#answers.push({ type, id: packet.readUInt32BE(5), rest, code })
    }
    this.#wake()
  }
}

export function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}
