// Server-sent events. A reader that does not keep up is dropped, never waited for; a reader whose identity or
// right has ended is dropped too.
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { ApiParts } from './parts.ts'

const MOST_BUFFERED_BYTES = 4 * 1024 * 1024
const KEEP_ALIVE_MS = 15_000

export interface EventSource {
  /** The reader's right to be here, asked again while it reads. */
  readonly may: () => boolean
  /** Gets what sends one event and what ends the stream; gives back how to stop. */
  subscribe(emit: (event: string, data: unknown, id?: number) => void, end: () => void): () => void
}

export function streamEvents(
  parts: Pick<ApiParts, 'gateway' | 'log'>,
  request: FastifyRequest,
  reply: FastifyReply,
  source: EventSource,
): void {
  const stream = reply.raw
  const presence = parts.gateway.attend(request.caller!.principal, source.may)
  let stop = (): void => {}
  let alive: NodeJS.Timeout | undefined
  const leave = (): void => {
    clearInterval(alive)
    presence.leave()
    stop()
  }
  // A peer may reset at any time, also after the first error: never an uncaught one.
  stream.on('error', () => stream.destroy())
  stream.once('close', leave)
  reply.hijack()
  // What the hooks have set would be lost with a hijacked reply.
  for (const [name, value] of Object.entries(reply.getHeaders()))
    if (value !== undefined) stream.setHeader(name, value)
  stream.writeHead(200, { 'content-type': 'text/event-stream', connection: 'close' })
  const write = (text: string): void => {
    if (stream.destroyed || stream.writableEnded) return
    if (stream.writableLength > MOST_BUFFERED_BYTES) {
      parts.log.warn({ route: request.routeOptions.url }, 'api.reader_dropped')
      stream.destroy()
    } else stream.write(text)
  }
  const end = (): void => {
    stream.end()
  }
  write(': live\n\n')
  alive = setInterval(() => write(': alive\n\n'), KEEP_ALIVE_MS)
  alive.unref()
  presence.signal.addEventListener('abort', end)
  try {
    stop = source.subscribe(
      (event, data, id) =>
        write(
          `${id === undefined ? '' : `id: ${id}\n`}event: ${event}\ndata: ${JSON.stringify(data)}\n\n`,
        ),
      end,
    )
  } catch (error) {
    // There is no other answer any more: the reader sees its stream cut, and the operator why.
    parts.log.error({ err: error, route: request.routeOptions.url }, 'api.failed')
    stream.destroy()
  }
  if (stream.destroyed) leave()
}
