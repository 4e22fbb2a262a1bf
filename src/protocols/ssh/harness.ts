// Drives the contract suite (test/contract) over this wire: the library's own client, on a stream that can be cut
// anywhere. Knows the wire; knows nothing of the gateway's insides.
import { Duplex } from 'node:stream'
import ssh2, { type Client, type ClientChannel } from 'ssh2'

type Question = 'read' | 'sensitive' | 'forbidden' | 'write'
type Answer =
  | { readonly kind: 'values'; readonly values: readonly (string | null)[] }
  | { readonly kind: 'error'; readonly nativeCode: string; readonly text: string }
type Cut = (bytes: Buffer, from: number) => readonly Buffer[]

const SECRET_VALUE = 'secret.person@example.com'
const whole: Cut = bytes => [bytes]

export const harness = {
  protocol: 'ssh',
  secretValue: SECRET_VALUE,
  refusalCode: '77',
  /** Each question starts a program on the host. */
  cuts: 40,
  many: 60,
  /** A shell script, run in the folder in which commands start. */
  setup: `echo 1 > kept; echo ${SECRET_VALUE} > kept-address`,
  dataClasses: { email: { detect: 'email', mask: 'redact' } },
  policies: `
@id("contract-runs")
permit (principal, action in [Action::"connect", Action::"execute"], resource in Resource::"contract");
@id("contract-closed")
@reason("the closed table is closed")
forbid (principal, action, resource == Object::"contract/closed");
`,
  resource: ({ port, user, hostKey }: { port: number; user: string; hostKey?: string }) => ({
    upstream: { host: '127.0.0.1', port, hostKeys: [hostKey] },
    credential: { user, privateKey: 'env:UPSTREAM_SECRET' },
  }),

  isAnswer(kind: Question, answer: Answer): boolean {
    if (kind === 'forbidden') return answer.kind === 'error' && answer.nativeCode === '77'
    if (answer.kind !== 'values') return false
    if (kind === 'read') return answer.values[0] === '1'
    return kind === 'write' ? answer.values.length === 0 : answer.values.length === 1
  },

  /** Bytes that no client may send after login: each is refused. */
  violations: {
    'bytes that no key has sealed': Buffer.alloc(64, 0x7e),
    'a packet of four gigabytes': Buffer.alloc(512, 0xff),
    'a second greeting': Buffer.from('SSH-2.0-again\r\n'.repeat(4)),
  } satisfies Record<string, Uint8Array>,

  startup: (_resource: string) => Buffer.from('SSH-2.0-harness\r\n'),

  async open(stream: Duplex, resource: string, token: string) {
    const wire = new Wire(stream)
    const client = new ssh2.Client()
    client.on('error', () => {}) // `close` follows
    client.setMaxListeners(0) // each question waits for the end
    const ready = new Promise<void>((resolve, reject) => {
      client.once('ready', resolve)
      client.once('close', () => reject(new Error('the connection ended')))
    })
    client.connect({ sock: wire, username: resource, password: token, readyTimeout: 20_000 })
    await ready
    const answers: Promise<Answer>[] = []
    return {
      /** Asks all of it at once; what goes over the wire for it is cut. Resolves when it is on its way. */
      async ask(kinds: readonly Question[], cut: Cut = whole): Promise<void> {
        wire.cut = cut
        wire.from = 0
        const asked = kinds.map(kind => run(client, COMMANDS[kind]))
        answers.push(...asked.map(({ answer }) => answer))
        await Promise.all(asked.map(({ sent }) => sent))
      },
      raw: (bytes: Uint8Array) => void stream.write(bytes),
      next: () => answers.shift() ?? Promise.reject(new Error('nothing was asked')),
      /** What the client was shown: the wire itself is sealed. */
      received: () => Buffer.from(shown.join('')),
      end: () => void client.end(),
    }

    function run(from: Client, command: string) {
      const sent = Promise.withResolvers<void>()
      // A connection that ends takes its answers with it, asked for or not.
      sent.promise.catch(() => {})
      const answer = new Promise<Answer>((resolve, reject) => {
        const lost = () => reject(new Error('the connection ended'))
        client.once('close', lost)
        from.exec(command, (error, channel) => {
          sent.resolve()
          if (error) return reject(error)
          resolve(answerOf(channel).finally(() => client.off('close', lost)))
        })
      })
      answer.catch(() => sent.resolve())
      return { sent: sent.promise, answer }
    }
  },
}

const shown: string[] = []

const COMMANDS: Readonly<Record<Question, string>> = {
  read: 'cat kept',
  sensitive: 'cat kept-address',
  forbidden: 'closed now',
  write: 'touch kept',
}

function answerOf(channel: ClientChannel): Promise<Answer> {
  let [out, err] = ['', '']
  channel.on('data', (chunk: Buffer) => {
    out += chunk
    shown.push(String(chunk))
  })
  channel.stderr.on('data', (chunk: Buffer) => {
    err += chunk
    shown.push(String(chunk))
  })
  return new Promise(resolve => {
    channel.once('close', (code: number) => {
      if (code === 0)
        resolve({ kind: 'values', values: out.split('\n').filter(line => line !== '') })
      else resolve({ kind: 'error', nativeCode: String(code), text: err })
    })
  })
}

/** The stream, with what goes out cut as the suite asks. */
class Wire extends Duplex {
  cut: Cut = whole
  /** Bytes since the last question. */
  from = 0
  readonly #stream: Duplex

  constructor(stream: Duplex) {
    super()
    this.#stream = stream
    stream.on('data', chunk => this.push(chunk))
    stream.on('end', () => {
      this.push(null)
      this.end()
    })
    stream.on('error', () => this.destroy())
    stream.on('close', () => this.destroy())
  }

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    const pieces = this.cut(chunk, this.from)
    this.from += chunk.length
    const send = (at: number): void => {
      const piece = pieces[at]
      if (piece !== undefined) this.#stream.write(piece)
      if (at + 1 < pieces.length) setTimeout(() => send(at + 1), 1)
      else done()
    }
    send(0)
  }

  override _final(done: () => void): void {
    this.#stream.end()
    done()
  }
}
