// The host's side of a file channel: requests that wait for their answer, the client's and our own.
import type { Writable } from 'node:stream'
import type { ClientChannel } from 'ssh2'
import { ProtocolError, UpstreamError } from '#model'
import type { Pressed } from '../guard.ts'
import { PacketCutter } from './packet-cutter.ts'
import { ANSWER, Fields, malformed, packet, REQUEST, STATUS, setId, string } from './wire.ts'

type OnAnswer = (answer: Buffer) => void

/** What the host said instead of an answer. */
export class HostStatus extends Error {
  readonly code: number

  constructor(answer: Buffer) {
    super('the host refused')
    this.code = statusOf(answer)
  }
}

export class Host {
  readonly #channel: ClientChannel
  readonly #pressed: Pressed
  readonly #cutter = new PacketCutter()
  readonly #waiting = new Map<number, OnAnswer>()
  readonly #onTurn: () => void
  readonly #onBroken: (error: unknown) => void
  #version: ((packet: Buffer) => void) | undefined
  #next = 0
  #lost = false
  readonly #failures = new Set<(error: Error) => void>()

  /** `onTurn`: a chunk's answers are dealt with. `onBroken`: it says what cannot be. */
  constructor(
    channel: ClientChannel,
    pressed: Pressed,
    onTurn: () => void,
    onBroken: (error: unknown) => void,
  ) {
    this.#channel = channel
    this.#pressed = pressed
    this.#onTurn = onTurn
    this.#onBroken = onBroken
    channel.on('data', (chunk: Buffer) => this.#take(chunk))
  }

  /** Requests without an answer yet. */
  get outstanding(): number {
    return this.#waiting.size
  }

  /** The extensions that it has, by name. */
  async greet(): Promise<ReadonlyMap<string, string>> {
    const answer = await this.#promised(resolve => {
      this.#version = resolve
      // The version stands where other packets have their id.
      this.#channel.write(setId(packet(REQUEST.init), 3))
    })
    const fields = new Fields(answer, 5)
    if (fields.uint32() !== 3) throw malformed()
    const extensions = new Map<string, string>()
    while (fields.left > 0)
      extensions.set(fields.string().toString('latin1'), fields.string().toString('latin1'))
    return extensions
  }

  /** Sends a request, under an id of ours. False: it takes no more for now. */
  send(request: Buffer, onAnswer: OnAnswer): boolean {
    if (this.#lost) throw lost()
    this.#next = (this.#next + 1) >>> 0
    this.#waiting.set(this.#next, onAnswer)
    return this.#channel.write(setId(request, this.#next)) && this.#pressed() === undefined
  }

  /** Resolves when it takes more. */
  async drained(): Promise<void> {
    const channel = this.#channel
    if (channel.writableNeedDrain) await taken(channel)
    await this.#pressed()
  }

  ask(request: Buffer): Promise<Buffer> {
    return this.#promised(resolve => void this.send(request, resolve))
  }

  /** Where a path leads, as the host sees it. Throws HostStatus. */
  async realPath(path: string): Promise<Buffer> {
    const answer = await this.ask(packet(REQUEST.realpath, string(path)))
    if (answer[4] !== ANSWER.name) throw new HostStatus(answer)
    const fields = new Fields(answer)
    if (fields.uint32() !== 1) throw malformed()
    return Buffer.from(fields.string())
  }

  pause(): void {
    this.#channel.pause()
  }

  resume(): void {
    this.#channel.resume()
  }

  /** Nothing more comes. */
  close(): void {
    this.#lost = true
    this.#waiting.clear()
    for (const fail of this.#failures) fail(lost())
    this.#failures.clear()
  }

  #promised(begin: (resolve: (packet: Buffer) => void) => void): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      const fail = (error: Error) => reject(error)
      this.#failures.add(fail)
      begin(answer => {
        this.#failures.delete(fail)
        resolve(answer)
      })
    })
  }

  #take(chunk: Buffer): void {
    if (this.#lost) return
    try {
      this.#cutter.push(chunk)
      for (let next = this.#cutter.next(); next !== undefined; next = this.#cutter.next()) {
        this.#answered(next)
        if (this.#lost) return
      }
      this.#onTurn()
    } catch (error) {
      // What it sent is at fault, and no client.
      this.#onBroken(error instanceof ProtocolError ? unreadable(error) : error)
    }
  }

  #answered(answer: Buffer): void {
    if (answer[4] === ANSWER.version) {
      const greeted = this.#version
      if (greeted === undefined) throw malformed()
      this.#version = undefined
      greeted(answer)
      return
    }
    const id = new Fields(answer, 5).uint32()
    const onAnswer = this.#waiting.get(id)
    // An answer to nothing.
    if (onAnswer === undefined) throw malformed()
    this.#waiting.delete(id)
    onAnswer(answer)
  }
}

/** The status code of an answer. Throws for what is neither. */
export function statusOf(answer: Buffer): number {
  if (answer[4] !== ANSWER.status) throw malformed()
  return new Fields(answer).uint32()
}

/** How a host's code is called on record. */
export function statusName(code: number): string {
  const found = Object.entries(STATUS).find(([, value]) => value === code)
  return found?.[0] ?? String(code)
}

/** Resolves when a channel has room again, or is over. */
export function taken(channel: Writable): Promise<void> {
  return new Promise(resolve => {
    const over = () => {
      channel.off('drain', over)
      channel.off('close', over)
      resolve()
    }
    channel.once('drain', over)
    channel.once('close', over)
  })
}

function unreadable(cause: unknown): UpstreamError {
  return new UpstreamError('upstream_lost', "the host's file service cannot be understood", {
    cause,
  })
}

function lost(): UpstreamError {
  return new UpstreamError('upstream_lost', 'the host ended the file channel')
}
