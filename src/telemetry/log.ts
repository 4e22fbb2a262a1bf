// The operator's log: one JSON object per line, an event's name and fields. Never a statement's text, a value or
// a secret; an error's message only where it is ours or the system's (a parser's message quotes its input).

import { type DestinationStream, destination, type Logger, pino } from 'pino'
import { isGatewayError } from '#model'

/** `err` is what was thrown. Everything else is shown as it is: names, numbers, codes. */
export interface LogFields {
  readonly [name: string]: unknown
  readonly err?: unknown
}

/** What other rooms see of the log. Events are words with dots: `session.opened`. */
export interface Log {
  debug(fields: LogFields, event: string): void
  info(fields: LogFields, event: string): void
  warn(fields: LogFields, event: string): void
  error(fields: LogFields, event: string): void
  /** A log that adds these fields to each line. */
  child(fields: LogFields): Log
}

/** Fields that carry a secret by their name are struck out, whoever put them there. */
const SECRET_FIELDS = ['password', 'secret', 'token', 'authorization', 'cookie', 'key', 'proof']

export interface LogOptions {
  readonly level?: 'debug' | 'info' | 'warn' | 'error' | 'silent'
  /** Default: stderr. */
  readonly stream?: DestinationStream
}

export interface RootLog extends Log {
  /** Writes what is still buffered: before an exit. */
  flush(): void
}

export function createLog({ level = 'info', stream }: LogOptions = {}): RootLog {
  // Asynchronous: a reader of the log that stalls must not stall the data path.
  const target = stream ?? destination({ fd: 2, sync: false })
  const logger = pino(
    {
      level,
      base: null,
      messageKey: 'event',
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: { level: label => ({ level: label }) },
      redact: {
        paths: SECRET_FIELDS.flatMap(field => [field, `*.${field}`]),
        censor: '[secret]',
      },
      serializers: { err: describeError },
    },
    target,
  )
  const flush = () => {
    try {
      if ('flushSync' in target && typeof target.flushSync === 'function') target.flushSync()
    } catch {
      // Nothing was opened yet, or stderr is gone: there is nobody to tell.
    }
  }
  return { ...wrap(logger), flush }
}

/** A log that says nothing, for tests and tools. */
export const silentLog: Log = {
  debug() {},
  info() {},
  warn() {},
  error() {},
  child: () => silentLog,
}

function wrap(logger: Logger): Log {
  return {
    debug: (fields, event) => logger.debug(fields, event),
    info: (fields, event) => logger.info(fields, event),
    warn: (fields, event) => logger.warn(fields, event),
    error: (fields, event) => logger.error(fields, event),
    child: fields => wrap(logger.child(fields)),
  }
}

const DEEPEST_CAUSE = 4
const FRAMES = 8

/** An error as the log shows it. */
export function describeError(error: unknown, depth = 0): object {
  if (!(error instanceof Error)) return { type: typeof error }
  const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined
  const cause = error.cause === undefined || depth >= DEEPEST_CAUSE ? undefined : error.cause
  return {
    type: error.name,
    ...(code === undefined ? {} : { code }),
    ...(speaks(error, code) ? { message: error.message } : {}),
    // Where it is not ours it is a bug, and only the place helps.
    ...(isGatewayError(error) ? {} : { frames: frames(error) }),
    ...(cause === undefined ? {} : { cause: describeError(cause, depth + 1) }),
  }
}

/** True when the message cannot quote what somebody sent us. */
function speaks(error: Error, code: string | undefined): boolean {
  if (isGatewayError(error)) return true
  if (code !== undefined && ('syscall' in error || code.startsWith('ERR_'))) return true
  return error instanceof ReferenceError || error instanceof RangeError
}

function frames(error: Error): string[] {
  const lines = (error.stack ?? '').split('\n').map(line => line.trim())
  // A message of several lines could pose as frames: only what V8 writes after it counts.
  const from = lines.findLastIndex(line => !line.startsWith('at ')) + 1
  return lines.slice(from, from + FRAMES)
}
