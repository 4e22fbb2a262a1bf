// The client's side of a file channel: answers, at the client's own pace.
import type { ServerChannel } from 'ssh2'
import type { Permit } from '#gateway'
import { AccessDenied, type GatewayError, UpstreamError } from '#model'
import { denial, notice } from '../denial.ts'
import type { Pressed } from '../guard.ts'
import { taken } from './host.ts'
import { ANSWER, Fields, packet, STATUS, setId, status, string } from './wire.ts'

/** Refusals said on standard error too: most clients of this protocol show only "Permission denied". */
const MOST_NOTICES = 20

export class Client {
  /** Bytes of answers. */
  sent = 0
  readonly #channel: ServerChannel
  readonly #pressed: Pressed
  readonly #mostBytes: number
  readonly #hold: (slow: boolean) => void
  #notices = 0
  #slow: Promise<void> | undefined

  /** `hold`: called when it does not read fast enough, and when it does again. */
  constructor(
    channel: ServerChannel,
    pressed: Pressed,
    mostBytes: number,
    hold: (slow: boolean) => void,
  ) {
    this.#channel = channel
    this.#pressed = pressed
    this.#mostBytes = mostBytes
    this.#hold = hold
  }

  /** Set while answers wait for it to read. */
  get slow(): Promise<void> | undefined {
    return this.#slow
  }

  answer(id: number, answer: Buffer): void {
    const channel = this.#channel
    if (!channel.writable) return
    this.sent += answer.length
    if (this.sent > this.#mostBytes)
      throw new AccessDenied('limit_exceeded', 'more than a policy lets this channel have')
    const went = channel.write(setId(answer, id))
    if (this.#slow !== undefined) return
    const waits: Promise<void>[] = went ? [] : [taken(channel)]
    const full = this.#pressed()
    if (full !== undefined) waits.push(full)
    if (waits.length === 0) return
    this.#hold(true)
    this.#slow = Promise.all(waits).then(() => {
      this.#slow = undefined
      this.#hold(false)
    })
  }

  say(id: number, code: number, message: string): void {
    this.answer(id, status(id, code, message))
  }

  /** A status of the host's. Its own words may tell of what is hidden. */
  pass(id: number, permit: Permit, answer: Buffer): void {
    const fields = new Fields(answer)
    const code = fields.uint32()
    if (code === STATUS.ok || code === STATUS.endOfFile) {
      this.answer(id, answer)
      return
    }
    const words = fields.left > 0 ? fields.string().toString('utf8') : ''
    this.say(id, code, permit.scrub(words))
  }

  /** A refusal: as this protocol says it, and in full on standard error. */
  deny(id: number, error: GatewayError): void {
    const { stderr } = this.#channel
    if (this.#notices < MOST_NOTICES && stderr.writable) stderr.write(denial(error, false))
    this.#notices += 1
    const words = notice(`${error.message} (${error.code})`, false).trimEnd()
    this.say(id, STATUS.permissionDenied, words)
  }

  /** One name, as REALPATH is answered. */
  name(id: number, path: string): void {
    const one = Buffer.from([0, 0, 0, 1])
    this.answer(id, packet(ANSWER.name, one, string(path), string(path), Buffer.alloc(4)))
  }

  version(extensions: ReadonlyMap<string, string>): void {
    const fields = [...extensions].flatMap(pair => pair.map(each => string(each)))
    // The version stands where other packets have their id.
    this.answer(3, packet(ANSWER.version, ...fields))
  }

  /** Largest packet, read and write, and open files: the host's own, or ours where those are less. */
  limits(id: number, hosts: Buffer): void {
    if (hosts[4] !== ANSWER.extended)
      throw new UpstreamError('upstream_refused', 'the host does not say its limits')
    const fields = new Fields(hosts)
    const bytes = Buffer.alloc(LIMITS.length * 8)
    for (const [at, ours] of LIMITS.entries()) {
      const theirs = fields.uint64() // zero: it does not say
      bytes.writeBigUInt64BE(BigInt(Math.min(theirs === 0 ? ours : theirs, ours)), at * 8)
    }
    this.answer(id, packet(ANSWER.extended, bytes))
  }
}

/** As OpenSSH's server has them, but for the files. */
const LIMITS = [256 * 1024, 255 * 1024, 255 * 1024, 256]
