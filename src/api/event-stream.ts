// Server-sent events. A reader that does not keep up is dropped, never waited for.
import type { IncomingMessage } from 'node:http'
import type { FastifyReply } from 'fastify'

const MOST_BUFFERED_BYTES = 4 * 1024 * 1024
const KEEP_ALIVE_MS = 15_000

/** `subscribe` gets the function that sends one event, and gives back how to stop. */
export function streamEvents(
  reply: FastifyReply,
  request: IncomingMessage,
  subscribe: (emit: (event: string, data: unknown) => void) => () => void,
): void {
  reply.hijack()
  const stream = reply.raw
  stream.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' })
  const write = (text: string): void => {
    if (stream.writableLength > MOST_BUFFERED_BYTES) stream.destroy()
    else stream.write(text)
  }
  write(': live\n\n')
  const stop = subscribe((event, data) =>
    write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`),
  )
  const alive = setInterval(() => write(': alive\n\n'), KEEP_ALIVE_MS)
  const end = (): void => {
    clearInterval(alive)
    stop()
    stream.end()
  }
  request.once('close', end)
  stream.once('error', end)
}
