// An error of ours as a client of this wire sees it: lines on standard error, and an exit status of our own.
import { GatewayError, isGatewayError } from '#model'

/** sysexits.h: EX_NOPERM. What a refused command ends with, so that a script can tell it from the command's own. */
export const REFUSED = 77

/** `sallyport: ...` lines; `terminal`: the client's terminal is raw, and wants a carriage return. */
export function denial(error: unknown, terminal: boolean): string {
  const known = isGatewayError(error)
    ? error
    : new GatewayError('internal', 'the gateway failed on this; nothing was run')
  const lines = [
    known.message,
    known.detail,
    known.hint,
    known.requestId === undefined ? undefined : `request: ${known.requestId}`,
    known.retryBefore === undefined
      ? undefined
      : `retry before: ${new Date(known.retryBefore).toISOString()}`,
    `reason: ${known.code}`,
  ]
  return lines
    .filter(line => line !== undefined && line !== '')
    .map(line => notice(line ?? '', terminal))
    .join('')
}

/** The same as the one line that a channel which is not opened can be given. */
export function refusalLine(error: unknown): string {
  return denial(error, false).trim().replaceAll('\nsallyport: ', '; ').slice(0, 1_000)
}

/** One line of ours between the host's own output. */
export function notice(text: string, terminal: boolean): string {
  // Words of policies and people: nothing in them may steer a terminal.
  return `sallyport: ${text.replace(/\p{Cc}+/gu, ' ')}${terminal ? '\r\n' : '\n'}`
}
