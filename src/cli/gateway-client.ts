// Calls the REST API: finds the gateway, its CA and the caller's token as docs/guides say.
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { IncomingMessage } from 'node:http'
import { request as httpsRequest } from 'node:https'
import type { Socket } from 'node:net'
import type { ProblemView } from '#contract'
import {
  AuthenticationFailed,
  GatewayError,
  InvalidRequest,
  type ReasonCode,
  reasonCodes,
  Unavailable,
} from '#model'

const TIMEOUT_MS = 30_000
const MOST_ANSWER_BYTES = 64 * 1024 * 1024

export interface Connection {
  /** `https://host:port`. */
  readonly url: string
  /** null: none is sent, which most calls refuse. */
  readonly token: string | null | undefined
  /** Path of the CA's certificate; undefined: the system's. */
  readonly ca: string | undefined
  /** Ctrl-C: ends whatever is asked. */
  readonly signal: AbortSignal
}

export class GatewayClient {
  readonly #connection: Connection

  constructor(connection: Connection) {
    this.#connection = connection
  }

  get url(): string {
    return this.#connection.url
  }

  get ca(): string | undefined {
    return this.#connection.ca
  }

  /** Of what is asked of this gateway with this token: another for any other, and it tells none of them. */
  fingerprint(asked: string): string {
    const { url, token } = this.#connection
    return createHash('sha256')
      .update(JSON.stringify([url, token, asked]))
      .digest('hex')
  }

  get<Answer>(path: string): Promise<Answer> {
    return this.#call<Answer>('GET', path)
  }

  post<Answer>(path: string, body: unknown = {}): Promise<Answer> {
    return this.#call<Answer>('POST', path, body)
  }

  /** For the few calls that prove no identity: they are how one comes to have one. */
  postAsNobody<Answer>(path: string, body: unknown): Promise<Answer> {
    return new GatewayClient({ ...this.#connection, token: null }).post<Answer>(path, body)
  }

  delete<Answer>(path: string): Promise<Answer> {
    return this.#call<Answer>('DELETE', path)
  }

  /** An answer of any length, piece by piece, at the reader's pace. */
  async pieces(path: string, take: (piece: Uint8Array) => Promise<void>): Promise<void> {
    const response = await this.#send('GET', path)
    if (response.statusCode !== 200) throw await refusal(response)
    // From here on the reader may take its time.
    response.socket.setTimeout(0)
    try {
      for await (const piece of response) await take(piece)
    } catch (cause) {
      throw new Unavailable('unavailable', 'The gateway broke off: this is not all of it.', {
        cause,
      })
    }
  }

  /** Server-sent events, one callback each; resolves when the server ends the stream, on Ctrl-C, or when `until` aborts. */
  async events(
    path: string,
    onEvent: (event: string, data: unknown) => void,
    { until, onOpen }: { until?: AbortSignal; onOpen?: () => void } = {},
  ): Promise<void> {
    const response = await this.#send('GET', path, undefined, { accept: 'text/event-stream' })
    if (response.statusCode !== 200) throw await refusal(response)
    response.setEncoding('utf8')
    let buffer = ''
    const own = this.#connection.signal
    const signal = until === undefined ? own : AbortSignal.any([own, until])
    const leave = (): void => {
      response.destroy()
    }
    signal.addEventListener('abort', leave)
    if (signal.aborted) leave()
    onOpen?.()
    try {
      for await (const piece of response) {
        buffer += piece
        if (buffer.length > MOST_ANSWER_BYTES)
          throw new Unavailable('unavailable', 'One event is too large.')
        for (let end = buffer.indexOf('\n\n'); end >= 0; end = buffer.indexOf('\n\n')) {
          const block = buffer.slice(0, end)
          buffer = buffer.slice(end + 2)
          const event = /^event: (.*)$/m.exec(block)?.[1]
          const data = /^data: (.*)$/m.exec(block)?.[1]
          if (event !== undefined && data !== undefined) onEvent(event, JSON.parse(data))
        }
      }
    } catch (error) {
      // Ctrl-C is how one leaves; anything else is told.
      if (signal.aborted) return
      if (error instanceof GatewayError) throw error
      throw new Unavailable('unavailable', 'The gateway ended the connection.', { cause: error })
    } finally {
      signal.removeEventListener('abort', leave)
    }
  }

  /** A byte stream to a resource. Throws what the gateway answers. */
  tunnel(path: string): Promise<Socket> {
    return new Promise((resolve, reject) => {
      const request = httpsRequest(
        this.#options('GET', path, { connection: 'Upgrade', upgrade: 'sallyport-tunnel' }),
      )
      request.once('upgrade', (_response, socket: Socket, head) => {
        if (head.length > 0) socket.unshift(head)
        socket.setTimeout(0)
        resolve(socket)
      })
      request.once('response', response => refusal(response).then(reject, reject))
      request.once('error', error => reject(unreachable(this.#connection.url, error)))
      request.end()
    })
  }

  async #call<Answer>(method: string, path: string, body?: unknown): Promise<Answer> {
    const response = await this.#send(method, path, body)
    const status = response.statusCode ?? 0
    if (status < 200 || status > 299) throw await refusal(response)
    const text = await textOf(response)
    // The server checks each answer against the same contract before it sends it.
    const answer: Answer = text === '' ? null : parsed(text)
    return answer
  }

  #send(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<IncomingMessage> {
    const payload = body === undefined ? undefined : JSON.stringify(body)
    return new Promise((resolve, reject) => {
      const request = httpsRequest(
        this.#options(method, path, {
          ...headers,
          ...(payload === undefined
            ? {}
            : {
                'content-type': 'application/json',
                'content-length': String(Buffer.byteLength(payload)),
              }),
        }),
        resolve,
      )
      request.once('error', error => reject(unreachable(this.#connection.url, error)))
      const { signal } = this.#connection
      const stop = (): void => {
        request.destroy(new Error('stopped'))
      }
      signal.addEventListener('abort', stop)
      request.once('close', () => signal.removeEventListener('abort', stop))
      if (signal.aborted) stop()
      request.setTimeout(TIMEOUT_MS, () => {
        if (headers['accept'] !== 'text/event-stream')
          request.destroy(new Error('no answer in 30 s'))
      })
      request.end(payload)
    })
  }

  #options(method: string, path: string, headers: Record<string, string>) {
    const { url, token, ca } = this.#connection
    const target = addressOf(url, path)
    if (target.protocol !== 'https:') {
      throw new InvalidRequest(
        'request_invalid',
        `The gateway's address must be https, not ${target.protocol}//.`,
      )
    }
    if (token === undefined) {
      throw new AuthenticationFailed('token_required', 'You are not signed in.', {
        hint: `People: sallyport login --gateway ${url}. Programs: put a token into SALLYPORT_TOKEN.`,
      })
    }
    return {
      method,
      host: target.hostname.replace(/^\[|\]$/g, ''),
      port: target.port || 443,
      path: target.pathname + target.search,
      headers: {
        ...(token === null ? {} : { authorization: `Bearer ${token}` }),
        'user-agent': 'sallyport-cli',
        ...headers,
      },
      ...(ca === undefined ? {} : { ca: readCa(ca) }),
    }
  }
}

function addressOf(url: string, path: string): URL {
  try {
    return new URL(path, url)
  } catch {
    // Safe: nothing was asked of anybody.
    throw new InvalidRequest('request_invalid', `"${url}" is not the address of a gateway.`, {
      hint: 'Such as https://127.0.0.1:8443 (--gateway, or SALLYPORT_URL).',
    })
  }
}

export function readCa(path: string): Buffer {
  try {
    return readFileSync(path)
  } catch (cause) {
    throw new InvalidRequest(
      'request_invalid',
      `The CA certificate ${path} (SALLYPORT_CA) cannot be read.`,
      { cause },
    )
  }
}

async function refusal(response: IncomingMessage): Promise<GatewayError> {
  const text = await textOf(response)
  try {
    const problem: Partial<ProblemView> = JSON.parse(text)
    const code: ReasonCode = reasonCodes.find(each => each === problem.code) ?? 'internal'
    return new GatewayError(code, problem.detail ?? 'The gateway refused.', {
      ...(problem.hint === undefined ? {} : { hint: problem.hint }),
      ...(problem.requestId === undefined ? {} : { requestId: problem.requestId }),
    })
  } catch {
    // Safe: it is a refusal in any case; what answered is no gateway of ours.
    return new Unavailable(
      'unavailable',
      `The address answered with ${response.statusCode}, not as a gateway does.`,
    )
  }
}

function parsed(text: string) {
  try {
    return JSON.parse(text)
  } catch (cause) {
    // What answers is no gateway of ours.
    throw new Unavailable('unavailable', 'The address does not answer as a gateway does.', {
      cause,
    })
  }
}

async function textOf(response: IncomingMessage): Promise<string> {
  const pieces: Buffer[] = []
  let bytes = 0
  for await (const piece of response) {
    bytes += piece.length
    if (bytes > MOST_ANSWER_BYTES) throw new Unavailable('unavailable', 'The answer is too large.')
    pieces.push(piece)
  }
  return Buffer.concat(pieces).toString('utf8')
}

function unreachable(url: string, error: NodeJS.ErrnoException): GatewayError {
  // Node's parser of HTTP (`HPE_…`), or its TLS: another program has that port.
  const stranger = /^HPE_|^ERR_SSL_|^EPROTO$/.test(error.code ?? '')
  if (stranger)
    return new Unavailable('unavailable', `What listens at ${url} is not a gateway's console.`, {
      cause: error,
      hint: 'SALLYPORT_URL or --gateway is the address of `listen.console`: https://127.0.0.1:8443.',
    })
  const certificate = /certificate|self.signed|CERT|ALTNAME/i.test(`${error.code} ${error.message}`)
  return new Unavailable(
    'unavailable',
    `The gateway at ${url} cannot be reached: ${error.message}.`,
    {
      cause: error,
      hint: certificate
        ? "Point SALLYPORT_CA at the gateway's ca.pem (it is in the gateway's data folder)."
        : 'Is it running? Set SALLYPORT_URL or --gateway to its address.',
    },
  )
}
