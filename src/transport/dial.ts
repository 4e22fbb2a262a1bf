// Opens TCP connections to upstreams. Its messages are fit for clients: no addresses, no host names.
import { connect, type OnReadOpts, type Socket } from 'node:net'
import { UpstreamError } from '#model'

const KEEP_ALIVE_MS = 60_000

export interface DialOptions {
  /** Until the connection stands, name resolution included. */
  readonly timeoutMs: number
  readonly signal?: AbortSignal
  /** Reads into one buffer of the caller's instead of `data` events. */
  readonly onread?: OnReadOpts
}

/**
 * Throws UpstreamError (`upstream_unreachable`); the cause is for the log. The socket keeps a silent `error`
 * listener, so that a reset between two owners is no uncaught error: owners watch `close` too.
 */
export function dialTcp(host: string, port: number, options: DialOptions): Promise<Socket> {
  const { timeoutMs, signal, onread } = options
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(unreachable('the connection was no longer wanted', signal.reason))
      return
    }
    const socket = connect({
      host,
      port,
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: KEEP_ALIVE_MS,
      ...(onread === undefined ? {} : { onread }),
    })
    socket.on('error', () => {})
    const fail = (error: UpstreamError) => {
      settle()
      socket.destroy()
      reject(error)
    }
    const timer = setTimeout(
      () => fail(unreachable(`the resource did not answer within ${timeoutMs / 1000} s`)),
      timeoutMs,
    )
    const aborted = () => fail(unreachable('the connection was no longer wanted', signal?.reason))
    const failed = (error: NodeJS.ErrnoException) =>
      fail(unreachable(`the resource cannot be reached: ${reason(error)}`, error))
    const connected = () => {
      settle()
      resolve(socket)
    }
    function settle(): void {
      clearTimeout(timer)
      signal?.removeEventListener('abort', aborted)
      socket.off('error', failed)
      socket.off('connect', connected)
    }
    signal?.addEventListener('abort', aborted, { once: true })
    socket.once('error', failed)
    socket.once('connect', connected)
  })
}

function unreachable(message: string, cause?: unknown): UpstreamError {
  return new UpstreamError('upstream_unreachable', message, { cause })
}

const reasons: Record<string, string> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'connection reset',
  ETIMEDOUT: 'timed out',
  EHOSTUNREACH: 'no route to it',
  ENETUNREACH: 'no route to its network',
  ENOTFOUND: 'its name does not resolve',
  EAI_AGAIN: 'its name cannot be resolved now',
}

/** Happy eyeballs gives an AggregateError; its first part says what happened. */
function reason(error: NodeJS.ErrnoException): string {
  const first: unknown = error instanceof AggregateError ? error.errors[0] : error
  const code = first instanceof Error && 'code' in first ? String(first.code) : error.code
  return reasons[code ?? ''] ?? code ?? 'failed'
}
