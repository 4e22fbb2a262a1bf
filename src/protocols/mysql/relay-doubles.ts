// Doubles for tests of the relay: both ends of a session in memory, with a server whose every answer the test scripts.
// Not for production code.
import { type Duplex, duplexPair } from 'node:stream'
import type { MysqlAnalyser } from '#engines/sql'
import type { Session } from '#gateway'
import type { CloseReason } from '#model'
import { type Catalog, unreadCatalog } from './catalog-types.ts'
import type { UserChange } from './change-user.ts'
import { writeOk } from './messages.ts'
import { HEADER, packets, payloadLength } from './packets.ts'
import { PayloadWriter } from './payload.ts'
import { relay } from './relay.ts'

export interface Stage {
  /** Payloads that came to the client, with their numbers. */
  readonly received: { sequence: number; payload: Buffer }[]
  /** Commands that came to the server. */
  readonly commands: Buffer[]
  /** Their numbers. */
  readonly numbers: number[]
  readonly cancels: number
  readonly ended: Promise<CloseReason>
  /** What the relay left behind it, where its client logs in anew. */
  readonly change: UserChange | undefined
  /** The gateway's end of the client's connection. */
  readonly client: Duplex
  /** Raw bytes of the client. */
  write(bytes: Uint8Array): void
  command(code: number, body?: string | Uint8Array): void
  /** Raw bytes of the server. */
  answer(bytes: Uint8Array): void
  /** Resolves when the client has so many payloads, or the session is over. */
  until(count: number): Promise<void>
  leave(): void
}

export interface StageOptions {
  readonly session: Session
  readonly analyser: MysqlAnalyser
  readonly catalog?: Catalog
  readonly messageBytes?: number
  /** The client's. */
  readonly capabilities?: number
  /** LOAD DATA LOCAL: the client can. */
  readonly localFiles?: boolean
  /** The resource has it. */
  readonly isRead?: boolean
  /** Payloads that answer a command, from number 1 on; undefined: nothing comes. */
  readonly server?: (command: Buffer) => readonly Uint8Array[] | undefined
}

export function stage(options: StageOptions): Stage {
  const [client, clientFar] = duplexPair()
  const [upstream, upstreamFar] = duplexPair()
  const received: { sequence: number; payload: Buffer }[] = []
  const commands: Buffer[] = []
  const numbers: number[] = []
  const waiting: (() => void)[] = []
  let cancels = 0
  let over = false
  let change: UserChange | undefined
  const wake = (): void => {
    for (const each of waiting.splice(0)) each()
  }
  const cut = (take: (sequence: number, payload: Buffer) => void) => {
    let rest = Buffer.alloc(0)
    return (chunk: Buffer) => {
      rest = Buffer.concat([rest, chunk])
      while (rest.length >= HEADER && rest.length >= HEADER + payloadLength(rest, 0)) {
        const end = HEADER + payloadLength(rest, 0)
        const [sequence, payload] = [rest[3] as number, Buffer.from(rest.subarray(HEADER, end))]
        // (What is taken may bring the next at once.)
        rest = rest.subarray(end)
        take(sequence, payload)
      }
    }
  }
  clientFar.on(
    'data',
    cut((sequence, payload) => {
      received.push({ sequence, payload })
      wake()
    }),
  )
  upstreamFar.on(
    'data',
    cut((sequence, payload) => {
      commands.push(payload)
      numbers.push(sequence)
      const answer = options.server?.(payload)
      for (const [index, each] of (answer ?? []).entries())
        upstreamFar.write(packets(each, (index + 1) & 0xff))
    }),
  )
  for (const socket of [clientFar, upstreamFar]) {
    socket.on('error', () => {})
    socket.on('end', () => socket.end())
  }
  const ended = relay({
    client,
    clientRest: new Uint8Array(0),
    upstream,
    upstreamRest: new Uint8Array(0),
    session: options.session,
    catalog: options.catalog ?? unreadCatalog(false),
    analyser: options.analyser,
    reading: {
      flavour: 'mariadb',
      version: 101_119,
      database: 'app',
      localFiles: options.isRead === true,
    },
    localFiles: options.localFiles === true,
    pins: 'SET NAMES utf8mb4',
    limits: { messageBytes: options.messageBytes ?? 1 << 20 },
    capabilities: options.capabilities ?? 0,
    kill: () => 'unknown',
    cancelUpstream: async () => {
      cancels += 1
    },
    onCancelRequest() {},
  })
    .then(end => {
      change = end.change
      return end.reason
    })
    .finally(() => {
      over = true
      wake()
    })
  return {
    client,
    get change() {
      return change
    },
    received,
    commands,
    numbers,
    get cancels() {
      return cancels
    },
    ended,
    write: bytes => void clientFar.write(bytes),
    command(code, body = '') {
      clientFar.write(packets(Buffer.concat([Buffer.of(code), Buffer.from(body)]), 0))
    },
    answer: bytes => void upstreamFar.write(bytes),
    async until(count) {
      while (received.length < count && !over)
        await new Promise<void>(resolve => waiting.push(resolve))
    },
    leave: () => void clientFar.end(),
  }
}

/** A column's definition. */
export function column(
  name: string,
  {
    table = '',
    type = 253,
    characterSet = 45,
  }: { table?: string; type?: number; characterSet?: number } = {},
): Uint8Array {
  return new PayloadWriter()
    .lenencText('def')
    .lenencText('app')
    .lenencText(table)
    .lenencText(table)
    .lenencText(name)
    .lenencText(table === '' ? '' : name)
    .uint8(12)
    .uint16(characterSet)
    .uint32(255)
    .uint8(type)
    .uint16(0)
    .uint8(0)
    .uint16(0)
    .finish()
}

export function textRow(...values: readonly (string | null)[]): Uint8Array {
  const writer = new PayloadWriter()
  for (const value of values) {
    if (value === null) writer.uint8(0xfb)
    else writer.lenencText(value)
  }
  return writer.finish()
}

/** The end of rows, of a server that ends them with an OK. */
export function endOfRows(flags = 2, changes?: Uint8Array): Uint8Array {
  const ok = okPayload(flags, changes)
  ok[0] = 0xfe
  return ok
}

export function okPayload(flags = 2, changes?: Uint8Array): Uint8Array {
  const base = {
    affectedRows: 0,
    insertId: Uint8Array.of(0),
    status: flags,
    warnings: 0,
    info: new Uint8Array(0),
  }
  if (changes === undefined) return writeOk(base)
  const writer = new PayloadWriter()
    .uint8(0)
    .uint8(0)
    .uint8(0)
    .uint16(flags | 0x4000)
    .uint16(0)
  return writer.uint8(0).lenencBytes(changes).finish()
}

/** What session tracking says of a variable. */
export function variableChange(name: string, value: string): Uint8Array {
  const inner = new PayloadWriter().lenencText(name).lenencText(value).finish()
  return new PayloadWriter().uint8(0).lenencBytes(inner).finish()
}
