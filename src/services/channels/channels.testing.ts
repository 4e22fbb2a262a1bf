// What the tests of this room stand on: an HTTP server that plays the other side, a request, tools and a queue.
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import {
  type AccessRequest,
  ConfigurationError,
  type JsonObject,
  Secret,
  type StatementRequest,
  type TimeRequest,
} from '#model'
import type { Channel, ChannelTools, Message, NoticeEvent } from './channel.ts'
import { noticeOf } from './notice.ts'

export const NOW = Date.UTC(2026, 10, 21, 9, 0, 0)

export interface Heard {
  readonly method: string
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly text: string
}

type Answer = (heard: Heard, response: ServerResponse) => void

export interface OtherSide {
  readonly url: string
  readonly heard: Heard[]
  answer: Answer
  close(): Promise<void>
}

export async function otherSide(answer: Answer): Promise<OtherSide> {
  const heard: Heard[] = []
  const server = createServer((request, response) => {
    const pieces: Buffer[] = []
    request.on('data', piece => pieces.push(piece))
    request.on('end', () => {
      const one: Heard = {
        method: request.method ?? '',
        path: request.url ?? '',
        headers: request.headers,
        text: Buffer.concat(pieces).toString('utf8'),
      }
      heard.push(one)
      side.answer(one, response)
    })
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const side: OtherSide = {
    url: `http://127.0.0.1:${port}`,
    heard,
    answer,
    close: () =>
      new Promise(resolve => {
        server.closeAllConnections()
        server.close(() => resolve())
      }),
  }
  return side
}

export function json(value: unknown, status = 200, headers: Record<string, string> = {}): Answer {
  return (_heard, response) => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers })
    response.end(JSON.stringify(value))
  }
}

export function toolsWith(
  secrets: Readonly<Record<string, string>>,
  now = () => NOW,
): ChannelTools {
  return {
    now,
    secret: async reference => {
      const value = secrets[reference]
      if (value !== undefined) return new Secret(value)
      throw new ConfigurationError('configuration_invalid', `${reference} is not set`)
    },
  }
}

export function request(changes: Partial<StatementRequest> = {}): StatementRequest {
  return {
    kind: 'statement',
    id: 'req-0123456789ab',
    state: 'pending',
    digest: 'd'.repeat(64),
    resource: 'shop',
    protocol: 'test',
    session: 'ses-1',
    principal: 'bot-7',
    principalKind: 'agent',
    excluded: ['bot-7'],
    statement: "delete from customers where email = 'ann@example.com'",
    parameters: [],
    objects: ['public.customers'],
    verbs: ['DELETE'],
    flags: [],
    message: 'agents change data only with a person',
    policies: ['agents-write-with-a-person'],
    reason: 'cleaning up, see https://evil.example',
    approvers: ['dba'],
    quorum: 1,
    votes: [],
    createdAt: NOW,
    expiresAt: NOW + 900_000,
    ...changes,
  }
}

/** The same, asking for a right for a time. */
export function timeRequest(changes: Partial<TimeRequest> = {}): TimeRequest {
  const { statement, parameters, objects, verbs, flags, session, ...asked } = request()
  return {
    ...asked,
    kind: 'time',
    actions: ['connect', 'read'],
    seconds: 3_600,
    outlook: [],
    ...changes,
  }
}

export function message(
  channel: Pick<Channel, 'settings'>,
  event: NoticeEvent,
  about: AccessRequest | undefined = request(),
  earlier?: JsonObject,
  url: string | null = 'https://gate.example.com',
): Message {
  return {
    id: 'msg_1',
    event,
    at: NOW,
    nonce: 'nonce-1',
    ...(event === 'test'
      ? {}
      : { notice: noticeOf(about, { show: channel.settings.show, url: url ?? undefined }) }),
    ...(earlier === undefined ? {} : { earlier }),
  }
}

export const shared = {
  show: 'statement' as const,
  resources: [] as string[],
  approvers: [] as string[],
  allowPrivate: false,
}

export const never = new AbortController().signal
