// The two legs of a shell or a command, joined while it runs: its output to the client as far as its permit goes, what is
// typed to the host, and its end on record.
import type { ClientChannel, ServerChannel } from 'ssh2'
import { type Outcome, type Permit, type Session, standOn } from '#gateway'
import { isGatewayError } from '#model'
import { Allowance } from './allowance.ts'
import { closed, codeOf, type Exit, finish, settled } from './channel-end.ts'
import type { Pressed } from './guard.ts'
import { passInput } from './input.ts'
import { Output } from './output.ts'
import type { SshSettings } from './settings.ts'

/** What runs at the host under a permit, and for whom. */
export interface Running {
  readonly session: Session<SshSettings>
  readonly permit: Permit
  readonly client: ServerChannel
  readonly host: ClientChannel
  /** Whether either end does not take what it is sent. */
  readonly pressed: Pressed
  readonly hostPressed: Pressed
  /** Filled when the host says it. */
  readonly exit: Exit
  /** The first outcome is the one that goes on record. */
  readonly tell: (outcome: Outcome) => void
  /** Aborts when the client has left, or the session is over. */
  readonly unheard: AbortSignal
}

/**
 * Resolves when the host's channel is over and all of it is on its way to the client; throws what ended it. `terminal`:
 * it runs in one.
 */
export async function joinLegs(
  { session, permit, client, host, pressed, hostPressed, exit, tell, unheard }: Running,
  terminal: boolean,
): Promise<void> {
  const tooMuch = new AbortController()
  // What is let through goes out first.
  const allowance = new Allowance(permit.limit, () => queueMicrotask(() => tooMuch.abort()))
  const standing = standOn(session, permit, renewed => {
    for (const output of outputs) output.follow(renewed)
  })
  const ending = AbortSignal.any([unheard, standing.signal, tooMuch.signal])
  const way = { session, permit, pressed, ending, allowance }
  const { recording } = session.resource
  // What a terminal showed is the record of it, whole; of a command's output, as much as the resource says.
  const keep = () =>
    recording.keep !== 'answers' ? 0 : terminal ? Infinity : recording.answerBytes
  const outputs = [
    new Output({ ...way, stream: 'output', source: host, sink: client, keep }),
    new Output({ ...way, stream: 'error', source: host.stderr, sink: client.stderr, keep }),
  ]
  passInput(client, host, hostPressed, chunk => {
    // Without a terminal nothing is shown back, and it is none of what was typed.
    if (terminal && !ending.aborted) session.recordInput(permit, chunk)
  })
  const over = Promise.all([closed(host), closed(host.stderr)])
  const refusal = (): unknown => allowance.refusal ?? standing.signal.reason
  await settled(over, host, ending, () => {
    standing.drop()
    for (const output of outputs) output.end()
    const why = refusal()
    const done = why === undefined && exit.code === 0
    tell({
      status: unheard.aborted ? 'cancelled' : done ? 'completed' : 'failed',
      ...(done ? {} : { errorCode: isGatewayError(why) ? why.code : codeOf(exit) }),
      rows: 0,
      bytes: outputs.reduce((sum, { sent }) => sum + sent, 0),
    })
  })
  // Why a session ended is said by whoever ends its channels.
  if (session.signal.aborted) return
  const why = refusal()
  if (why !== undefined) throw why
  finish(client, exit)
}
