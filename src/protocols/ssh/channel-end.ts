// How a session channel ends: the exit that the host says, what goes on record of it, and in which order the client is told.
import type { ClientChannel, ServerChannel } from 'ssh2'
import type { Outcome, Permit, Session } from '#gateway'

/** For the host to close a channel that the client has left. */
const CLOSING_MS = 5_000
/** What the library can say of RFC 4254 section 6.10; a host may name any. */
export const SIGNAL = /^SIG(?:ABRT|ALRM|FPE|HUP|ILL|INT|KILL|PIPE|QUIT|SEGV|TERM|USR1|USR2)$/

export interface Exit {
  /** null: it did not end by itself. */
  code: number | null
  signal: string | undefined
}

/** Filled when the host says it. */
export function exitOf(upstream: ClientChannel): Exit {
  const exit: Exit = { code: null, signal: undefined }
  upstream.on('exit', (code: number | null, signal?: string) => {
    exit.code = code
    exit.signal = SIGNAL.test(signal ?? '') ? signal : undefined
  })
  return exit
}

export function codeOf({ code, signal }: Exit): string {
  return signal ?? (code === null ? 'lost' : `${code}`)
}

export function closed(stream: {
  once(event: 'close', listener: () => void): unknown
}): Promise<void> {
  return new Promise(resolve => void stream.once('close', () => resolve()))
}

/**
 * Resolves when it is over, or ended and some time later. `account` is called then, or in the very turn in which it is to
 * end: the record of a session that ends is closed in that turn.
 */
export async function settled(
  over: Promise<unknown>,
  upstream: ClientChannel,
  ending: AbortSignal,
  account: () => void,
): Promise<void> {
  if (ending.aborted) account()
  else ending.addEventListener('abort', account, { once: true })
  await Promise.race([over, abandoned(upstream, ending)])
  ending.removeEventListener('abort', account)
  if (!ending.aborted) account()
}

/** Closes the host's channel when it is to end. Resolves some time later: the host may never close it. */
function abandoned(upstream: ClientChannel, ending: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    const leave = () => {
      upstream.close()
      setTimeout(resolve, CLOSING_MS).unref()
    }
    if (ending.aborted) leave()
    else ending.addEventListener('abort', leave, { once: true })
  })
}

/** The first outcome is the one that goes on record. */
export function outcomeOnce(session: Session, permit: Permit): (outcome: Outcome) => void {
  let told = false
  return outcome => {
    if (told) return
    told = true
    session.complete(permit, outcome)
    session.catchUp()
  }
}

export const LOST = { status: 'cancelled', errorCode: 'lost', rows: 0, bytes: 0 } as const
export const NOT_RUN = { status: 'failed', errorCode: 'not_started', rows: 0, bytes: 0 } as const

/** The exit goes before the end, as RFC 4254 section 6.10 has it; then nothing more comes. */
export function finish(stream: ServerChannel, { code, signal }: Exit): void {
  if (!stream.writable) return
  const { stderr } = stream
  // What it still has to be told waits for the client's window, and would be lost behind the end.
  if (stderr.writable && stderr.writableLength > 0)
    return void stderr.write('', () => finish(stream, { code, signal }))
  if (code !== null) stream.exit(code)
  else if (signal !== undefined) stream.exit(signal, false, '')
  stream.end()
}
