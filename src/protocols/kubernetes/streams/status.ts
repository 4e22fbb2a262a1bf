// What came of a command, as the API says it: an object of kind Status on the error stream (v4.channel.k8s.io and later).
// Written anew from what was read, with what the principal may not see taken out of its words.
import { Buffer } from 'node:buffer'
import { ProtocolError } from '#model'
import { type Governor, nothingFromClient, type Ways } from './governor.ts'

const LONGEST = 64 * 1024

interface Cause {
  readonly reason: string
  readonly message: string
}

export class StatusStream implements Governor {
  readonly #ways: Ways
  readonly #scrub: (text: string) => string
  readonly #ahead: () => void
  #held: Buffer[] = []
  #bytes = 0
  /** Why it failed: the exit code, or a reason. Undefined: it did not say, or it went well. */
  failure: string | undefined
  /** It said how it ended. */
  isTold = false

  /** `ahead` sends what the client is to see before it hears how it ended. */
  constructor(ways: Ways, scrub: (text: string) => string, ahead: () => void) {
    this.#ways = ways
    this.#scrub = scrub
    this.#ahead = ahead
  }

  fromClient(bytes: Buffer, last: boolean): void {
    nothingFromClient(this.#ways, bytes, last)
  }

  fromUpstream(bytes: Buffer, last: boolean): void {
    this.#bytes += bytes.length
    if (this.#bytes > LONGEST)
      throw new ProtocolError('protocol_violation', 'the status of a command is too long')
    if (bytes.length > 0) this.#held.push(bytes)
    // Streams of a WebSocket have no end of their own: it is sent as soon as it is whole.
    if (last || bytes.at(-1) === 0x7d || bytes.at(-1) === 0x0a) this.#try(last)
    if (!last) return
    this.isTold = true
    this.#ways.toClient(Buffer.alloc(0), true)
  }

  flush(): void {
    this.#try(true)
  }

  drop(): void {
    this.#held = []
  }

  #try(whole: boolean): void {
    if (this.#held.length === 0) return
    const text = Buffer.concat(this.#held).toString('utf8')
    const status = read(text)
    if (status === undefined && !whole) return
    this.#held = []
    // What is no status is words.
    const { failure, shown } = written(status ?? { status: 'Failure', message: text }, this.#scrub)
    this.failure = failure
    this.isTold = true
    this.#ahead()
    this.#ways.toClient(Buffer.from(JSON.stringify(shown)), false)
  }
}

function read(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return isObject(value) && (value['status'] === 'Success' || value['status'] === 'Failure')
      ? value
      : undefined
  } catch {
    // Safe: it is shown as words, looked at like any.
    return undefined
  }
}

function written(status: Record<string, unknown>, scrub: (text: string) => string) {
  const word = (value: unknown) =>
    typeof value === 'string' && /^[A-Za-z]{1,64}$/.test(value) ? value : undefined
  const text = (value: unknown) => (typeof value === 'string' ? scrub(value) : undefined)
  const { status: outcome, message, reason, code, details } = status
  const causes: Cause[] = []
  if (isObject(details) && Array.isArray(details['causes']))
    for (const cause of details['causes'].slice(0, 16) as unknown[])
      if (isObject(cause))
        causes.push({
          reason: word(cause['reason']) ?? '',
          message: text(cause['message']) ?? '',
        })
  const exit = causes.find(cause => cause.reason === 'ExitCode')?.message
  const failed = outcome !== 'Success'
  return {
    failure: failed ? (exit !== undefined && /^\d{1,3}$/.test(exit) ? exit : 'failed') : undefined,
    shown: {
      metadata: {},
      status: outcome,
      message: text(message),
      reason: word(reason),
      details: causes.length > 0 ? { causes } : undefined,
      code: typeof code === 'number' ? code : undefined,
    },
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}
