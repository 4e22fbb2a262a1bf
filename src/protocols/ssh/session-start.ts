// Starts what a session channel is for at the host: the requests of RFC 4254 section 6 in their order. The library's own
// way refuses a command because the host has no display to forward, and loses the modes of a terminal.
import type { Client, ClientChannel } from 'ssh2'
import { openChannel } from './openings.ts'

export interface Terminal {
  readonly term: string
  readonly rows: number
  readonly cols: number
  readonly width: number
  readonly height: number
  /** RFC 4254 section 8, as they were sent. */
  readonly modes: Buffer
}

/** A display as the client describes it. The cookie is never on record. */
export interface Display {
  readonly single: boolean
  readonly protocol: string
  readonly cookie: string
  readonly screen: number
}

export type Start =
  | { readonly kind: 'shell' }
  | { readonly kind: 'command'; readonly command: string }
  | { readonly kind: 'subsystem'; readonly name: string }

export interface Surroundings {
  readonly env: Readonly<Record<string, string>>
  readonly terminal: Terminal | undefined
  readonly agent: boolean
  readonly display: Display | undefined
}

interface Requests {
  session(id: number, window: number, packet: number): void
  env(channel: number, name: string, value: string, wantReply: boolean): void
  openssh_agentForward(channel: number, wantReply: boolean): void
  x11Forward(channel: number, display: Display, wantReply: boolean): void
  pty(
    channel: number,
    rows: number,
    cols: number,
    height: number,
    width: number,
    term: string,
    modes: Buffer,
    wantReply: boolean,
  ): void
  shell(channel: number, wantReply: boolean): void
  exec(channel: number, command: string, wantReply: boolean): void
  subsystem(channel: number, name: string, wantReply: boolean): void
}

interface Insides {
  readonly outgoing: { readonly id: number }
  /** Answers of the host, in the order of what was asked: true is a refusal. */
  readonly _callbacks: ((refused: boolean) => void)[]
  subtype: string
}

type OnStarted = (error: Error | undefined, channel?: ClientChannel) => void

/** Calls back in the very turn in which the host says that it started, or did not. */
export function startSession(
  client: Client,
  start: Start,
  { env, terminal, agent, display }: Surroundings,
  started: OnStarted,
): void {
  const protocol = (client as unknown as { readonly _protocol: Requests })._protocol
  openChannel(
    client,
    'session',
    (...sizes) => protocol.session(...sizes),
    (error, channel) => {
      if (channel === undefined) return started(error)
      const inside = channel as unknown as Insides
      const { id } = inside.outgoing
      const asked = (then: () => void) =>
        inside._callbacks.push(refused => {
          if (!refused) return then()
          channel.close()
          started(new Error('the host refused what a session was asked for'))
        })
      for (const [name, value] of Object.entries(env)) protocol.env(id, name, value, false)
      // What the host does not forward is not there: what is asked for runs all the same.
      if (agent) protocol.openssh_agentForward(id, false)
      if (display !== undefined) protocol.x11Forward(id, display, false)
      const begin = () => {
        inside.subtype = start.kind === 'command' ? 'exec' : start.kind
        asked(() => started(undefined, channel))
        if (start.kind === 'shell') protocol.shell(id, true)
        else if (start.kind === 'command') protocol.exec(id, start.command, true)
        else protocol.subsystem(id, start.name, true)
      }
      if (terminal === undefined) return begin()
      const { rows, cols, height, width, term, modes } = terminal
      asked(begin)
      protocol.pty(id, rows, cols, height, width, term, modes, true)
    },
  )
}

interface Told {
  signal(channel: number, name: string): void
  windowChange(channel: number, rows: number, cols: number, height: number, width: number): void
}

/** RFC 4254 sections 6.7 and 6.9, also when the client has no more input to send: the library would keep them. */
export function tell(client: Client, channel: ClientChannel, say: (to: Told, id: number) => void) {
  const { outgoing } = channel as unknown as {
    readonly outgoing: { readonly id: number; readonly state: string }
  }
  const { _protocol: protocol } = client as unknown as { readonly _protocol: Told }
  if (outgoing.state === 'open' || outgoing.state === 'eof') say(protocol, outgoing.id)
}
