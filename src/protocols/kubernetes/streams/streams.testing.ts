// Both ends of a connection that became streams, in memory: what each side says, and what it hears, in its own framing.
import { Buffer } from 'node:buffer'
import { clearStream, createMasking, createTextStream } from '#engines/masking'
import type { Permit, Session } from '#gateway'
import { Body, type BodyWriter, type Tunnel } from '#transport/http'
import { SpdyReader } from '../spdy/frame-reader.ts'
import { SpdyWriter } from '../spdy/frame-writer.ts'
import { Told } from '../spdy/recorder.testing.ts'
import { type StreamsParts, serveStreams } from './serve.ts'

/** One side. */
export class Side {
  readonly tunnel: Tunnel
  /** What it was sent. */
  readonly heard: Buffer[] = []
  /** It takes nothing: what is written to it waits. */
  slow = false
  paused = false
  isEnded = false
  readonly #body: Body
  #drained: () => void = () => {}

  constructor() {
    this.#body = new Body({
      pause: () => {
        this.paused = true
      },
      resume: () => {
        this.paused = false
      },
      cancel() {},
    })
    const outgoing: BodyWriter = {
      write: bytes => {
        this.heard.push(Buffer.from(bytes))
        return !this.slow
      },
      end: () => {
        this.isEnded = true
      },
      abort: () => {
        this.isEnded = true
      },
      onDrain: listener => {
        this.#drained = listener
      },
      onLost() {},
    }
    this.tunnel = { incoming: this.#body, outgoing }
  }

  say(...bytes: readonly Uint8Array[]): void {
    for (const each of bytes) this.#body.push(Buffer.from(each))
  }

  leave(): void {
    this.#body.finish()
  }

  drain(): void {
    this.slow = false
    this.#drained()
  }

  get bytes(): Buffer {
    return Buffer.concat(this.heard)
  }

  /** What it heard, as frames of SPDY. */
  get spdy(): Told {
    const told = new Told()
    new SpdyReader(told).push(this.bytes)
    return told
  }
}

const scan = createMasking({
  classes: [{ name: 'email', columns: [], detect: 'email', mask: 'redact' }],
  tokenKey: new Uint8Array(32),
}).scanner(['email'])

/** A permit that hides addresses of e-mail, unless it says otherwise. */
export function permit(limit: Permit['limit'] = {}, masks = true): Permit {
  if (scan === undefined) throw new Error('no detector')
  return {
    limit,
    masks,
    text: () => (masks ? createTextStream(scan) : clearStream),
    scrub: (text: string) => text.replaceAll(/\S+@\S+/g, '[redacted]'),
  } as unknown as Permit
}

export interface Stage {
  readonly client: Side
  readonly upstream: Side
  /** How it ended; undefined: it goes on. */
  readonly outcome: { error?: unknown; bytes?: number; failure?: string | undefined }
  readonly recorded: string[]
  readonly completed: { bytes: number; errorCode?: string | undefined }[]
  /** Rules changed. */
  readonly renew: (permit: Permit) => void
  readonly abort: (reason: Error) => void
  readonly done: Promise<void>
}

type Asked = Pick<StreamsParts, 'framing' | 'purpose'> & Partial<StreamsParts>

export function staged(asked: Asked): Stage {
  const client = new Side()
  const upstream = new Side()
  const recorded: string[] = []
  const completed: { bytes: number; errorCode?: string | undefined }[] = []
  const outcome: Stage['outcome'] = {}
  const ending = new AbortController()
  let renew: (permit: Permit) => void = () => {}
  const session = {
    resource: { recording: { keep: 'answers', answerBytes: 1_000_000 } },
    recordOutput: (_permit: Permit, stream: string, bytes: Uint8Array) => {
      recorded.push(`${stream} ${Buffer.from(bytes)}`)
      return undefined
    },
    recordSize: (_permit: Permit, size: { columns: number; rows: number }) => {
      recorded.push(`size ${size.columns}x${size.rows}`)
    },
    recordInput: (_permit: Permit, bytes: Uint8Array) => {
      recorded.push(`typed ${Buffer.from(bytes)}`)
    },
    onRules: () => () => {},
    renew: (held: Permit) => held,
    complete: (_permit: Permit, told: { bytes: number; errorCode?: string }) => {
      completed.push({ bytes: told.bytes, errorCode: told.errorCode })
    },
  } as unknown as Session
  const done = serveStreams({
    client: client.tunnel,
    upstream: upstream.tunnel,
    session,
    permit: permit(),
    signal: ending.signal,
    halfClose: false,
    secrets: [],
    onRenewed: listener => {
      renew = listener
    },
    judge: () => {
      throw new Error('nobody judges')
    },
    told: (bytes, failure) => {
      outcome.bytes = bytes
      outcome.failure = failure
    },
    ...asked,
  }).catch(error => {
    outcome.error = error
  })
  return {
    client,
    upstream,
    outcome,
    recorded,
    completed,
    abort: reason => ending.abort(reason),
    renew: next => renew(next),
    done,
  }
}

/** A command with all of its streams. */
export const COMMAND = {
  kind: 'command',
  asked: { stdin: true, stdout: true, stderr: true, tty: false },
} as const

/** The same in a terminal. */
export const TERMINAL = {
  kind: 'command',
  asked: { stdin: true, stdout: true, stderr: false, tty: true },
} as const

export function named(type: string, more: Readonly<Record<string, string>> = {}) {
  return new Map([['streamtype', type], ...Object.entries(more)])
}

/** exec over SPDY, its streams open: error 1, stdin 3, stdout 5, stderr 7. */
export function spdyCommand(
  more: Partial<StreamsParts> = {},
  types: readonly string[] = ['error', 'stdin', 'stdout', 'stderr'],
) {
  const stage = staged({ framing: 'spdy', purpose: COMMAND, ...more })
  const says = new SpdyWriter()
  const answers = new SpdyWriter()
  types.forEach((type, index) => {
    stage.client.say(says.synStream(1 + 2 * index, named(type)))
    stage.upstream.say(answers.synReply(1 + 2 * index, new Map()))
  })
  return { ...stage, says, answers }
}

export const text = (words: string): Buffer => Buffer.from(words)
