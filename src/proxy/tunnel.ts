// A WebSocket between client and upstream: frames are followed in both directions, texts on their way to the client are
// masked where something is hidden from it, the upstream's credential is in none of them, and it ends with the session.
import { Buffer } from 'node:buffer'
import { BodyProblem, type MessageMasker } from '#engines/bodies'
import type { Permit } from '#gateway'
import { AccessDenied, GatewayError, isGatewayError, ProtocolError, UpstreamError } from '#model'
import { Fields, type Tunnel } from '#transport/http'
import type { TunnelParts } from './dialect.ts'
import { ownCookie } from './fields.ts'
import { FramedSecrets } from './framed-secrets.ts'
import { unreadableAnswer } from './masking.ts'
import {
  BINARY,
  CLOSE,
  closeFrame,
  type FrameHead,
  FrameReader,
  serverFrame,
  TEXT,
} from './websocket.ts'

/** A text that must be looked at is held whole: so much, and no more. */
const MOST_TEXT = 1024 * 1024
/** RFC 6455 section 7.4.1. */
const VIOLATED = 1002
const REFUSED = 1008
const GONE = 1001
/** For a side that was told of the end to take what is on its way to it; then its connection is cut. */
const LINGER_MS = 30_000

/** Resolves when either side has ended. Throws what ended it before. */
export async function serveWebSocket(parts: TunnelParts): Promise<void> {
  const { response, session, permit, exchange, signal } = parts
  const { head, tunnel: upstream } = response
  if (upstream === undefined) throw new UpstreamError('upstream_refused', 'there is no tunnel')
  if (head.fields.has('sec-websocket-extensions'))
    throw new UpstreamError(
      'upstream_refused',
      'the upstream uses an extension that nobody asked for',
    )
  const agreed = head.fields.without(
    name =>
      name !== 'sec-websocket-accept' && name !== 'sec-websocket-protocol' && name !== 'set-cookie',
  )
  const told = [...parts.shown(agreed)].map(
    ([name, value]) => [name, name === 'set-cookie' ? ownCookie(value) : value] as const,
  )
  const client = exchange.upgrade(Fields.of(...told, ['upgrade', 'websocket']))
  const { keep, answerBytes } = session.resource.recording
  const outward = new Outward(
    permit,
    client,
    bytes => {
      void session.recordOutput(permit, 'output', bytes)
    },
    keep === 'answers' ? answerBytes : 0,
    parts.secrets,
  )
  return new Promise((resolve, reject) => {
    let over = false
    const end = (error?: unknown): void => {
      if (over) return
      over = true
      signal.removeEventListener('abort', aborted)
      if (error !== undefined) {
        client.outgoing.write(closeFrame(codeOf(error), wordsOf(error)))
        upstream.outgoing.abort(error instanceof Error ? error : new Error('ended'))
      } else upstream.outgoing.end()
      client.outgoing.end()
      parts.told(outward.sent, outward.close())
      setTimeout(() => {
        const gone = new UpstreamError('upstream_lost', 'the tunnel is over')
        upstream.outgoing.abort(gone)
        client.outgoing.abort(gone)
      }, LINGER_MS).unref()
      if (error === undefined) resolve()
      else reject(error)
    }
    const isOver = () => over
    const aborted = () => end(signal.reason)
    if (signal.aborted) return aborted()
    signal.addEventListener('abort', aborted, { once: true })
    join(upstream, client, {
      frames: new FrameReader(false, outward),
      flush: () => outward.ok,
      isOver,
      end,
    })
    let pending: Uint8Array[] = []
    const inward = new FrameReader(true, {
      head: ({ bytes }) => pending.push(bytes),
      payload: bytes => pending.push(bytes),
      end() {},
    })
    join(client, upstream, {
      frames: inward,
      flush() {
        const all = Buffer.concat(pending)
        pending = []
        return all.length === 0 || upstream.outgoing.write(all)
      },
      isOver,
      end,
    })
  })
}

interface Joint {
  readonly frames: FrameReader
  /** Sends what was read; false: it is enough for now. */
  readonly flush: () => boolean
  readonly isOver: () => boolean
  readonly end: (error?: unknown) => void
}

/** Frames of one side, on their way to the other. */
function join(from: Tunnel, to: Tunnel, { frames, flush, isOver, end }: Joint): void {
  to.outgoing.onDrain(() => from.incoming.resume())
  from.incoming.read({
    data(chunk) {
      // Its outcome is told: what still comes is nobody's.
      if (isOver()) return true
      try {
        frames.push(chunk)
        return flush()
      } catch (error) {
        // Not passed over: both sides are told, and it is what came of the tunnel.
        end(error)
        return true
      }
    },
    end: () => end(),
    fail: () => end(),
  })
}

/** From the upstream to the client. */
class Outward {
  sent = 0
  ok = true
  readonly #permit: Permit
  readonly #client: Tunnel
  readonly #record: (bytes: Uint8Array) => void
  #room: number
  #masker: MessageMasker | undefined
  #head: FrameHead | undefined
  /** Parts of a text that is looked at when it is whole; undefined: it passes as it comes. */
  #text: Uint8Array[] | undefined
  #held = 0
  /** Of the message that is under way. */
  #textual = false
  /** The payload of a control frame that is looked at. */
  #control: Uint8Array[] | undefined
  readonly #secrets: FramedSecrets

  constructor(
    permit: Permit,
    client: Tunnel,
    record: (bytes: Uint8Array) => void,
    room: number,
    secrets: readonly string[],
  ) {
    this.#permit = permit
    this.#client = client
    this.#record = record
    this.#room = room
    this.#secrets = new FramedSecrets(secrets, {
      frame: bytes => this.#send(bytes),
      payload: bytes => {
        this.#send(bytes)
        if (this.#textual) this.#keep(bytes)
      },
    })
  }

  head(head: FrameHead): void {
    this.#head = head
    if (head.opcode === TEXT || head.opcode === BINARY) this.#textual = head.opcode === TEXT
    const data = head.opcode <= BINARY
    if (data && this.#permit.masks) {
      if (!this.#textual)
        throw new AccessDenied(
          'answer_unreadable',
          'something is masked for you, and this message is binary',
        )
      this.#text ??= []
      this.#held += head.length
      if (this.#held > MOST_TEXT)
        throw new AccessDenied(
          'answer_unreadable',
          'something is masked for you, and this message is too long to look at',
        )
      return
    }
    if (!data && head.length > 0 && (this.#permit.masks || this.#secrets.looks)) this.#control = []
    else this.#secrets.frame(head.bytes)
  }

  payload(bytes: Uint8Array): void {
    const head = this.#head!
    if (head.opcode <= BINARY && this.#text !== undefined) {
      this.#text.push(Buffer.from(bytes))
      return
    }
    if (head.opcode > BINARY && this.#control !== undefined) {
      this.#control.push(Buffer.from(bytes))
      return
    }
    if (head.opcode <= BINARY) this.#secrets.payload(bytes)
    else this.#send(bytes)
  }

  end(): void {
    const head = this.#head!
    if (head.opcode > BINARY) {
      const payload = this.#control && Buffer.concat(this.#control)
      this.#control = undefined
      if (payload !== undefined) this.#secrets.frame(this.#shownControl(head, payload))
      return
    }
    if (!head.final) return
    if (this.#text !== undefined) {
      const shown = this.#shown(Buffer.concat(this.#text))
      this.#text = undefined
      this.#held = 0
      const clean = this.#secrets.whole(shown)
      this.#send(serverFrame(TEXT, clean))
      this.#keep(clean)
    } else this.#secrets.end()
    if (this.#textual) this.#keep(LINE)
  }

  /** A message as the principal may see it: JSON by its fields, another text by what detectors find. */
  #shown(message: Uint8Array): Uint8Array {
    this.#masker ??= this.#permit.messages()
    try {
      return this.#masker?.mask(message) ?? message
    } catch (error) {
      if (error instanceof BodyProblem) throw unreadableAnswer(error)
      throw error
    }
  }

  /** A close says why in words, which are masked as others are; a ping that would have to be is nobody's. */
  #shownControl({ opcode, bytes }: FrameHead, payload: Buffer): Uint8Array {
    if (opcode === CLOSE && payload.length >= 2) {
      const shown = Buffer.from(this.#shown(payload.subarray(2)))
      if (shown.equals(payload.subarray(2)))
        return Buffer.concat([bytes, this.#secrets.whole(payload)])
      return closeFrame(
        payload.readUInt16BE(0),
        Buffer.from(this.#secrets.whole(shown)).toString('utf8'),
      )
    }
    if (Buffer.from(this.#shown(payload)).equals(payload))
      return Buffer.concat([bytes, this.#secrets.whole(payload)])
    throw new AccessDenied('answer_unreadable', 'something is masked for you, and a ping holds it')
  }

  /** No more comes: how many values were hidden, by class; undefined: nothing was looked at. */
  close(): ReadonlyMap<string, number> | undefined {
    this.#masker?.close()
    return this.#masker?.found
  }

  #send(bytes: Uint8Array): void {
    if (this.sent + bytes.length > (this.#permit.limit.bytes ?? Infinity))
      throw new AccessDenied('limit_exceeded', 'the answer is longer than the policy allows')
    this.sent += bytes.length
    this.ok = this.#client.outgoing.write(Buffer.from(bytes))
  }

  #keep(bytes: Uint8Array): void {
    if (this.#room <= 0) return
    const part = bytes.subarray(0, this.#room)
    this.#room -= part.length
    this.#record(Buffer.from(part))
  }
}

const LINE = Buffer.from('\n')

function codeOf(error: unknown): number {
  if (error instanceof ProtocolError) return VIOLATED
  return error instanceof AccessDenied ? REFUSED : GONE
}

function wordsOf(error: unknown): string {
  const known = isGatewayError(error)
    ? error
    : new GatewayError('internal', 'the gateway failed on this')
  return `${known.code}: ${known.message}`
}
