// Commands about the session itself: what it is set to, and whose statement is stopped.
import { AccessDenied } from '#model'
import { readChangeUser } from './change-user.ts'
import type { Command } from './command.ts'
import type { Conversation } from './conversation.ts'
import { Exchange } from './exchange.ts'
import { plainOk, writeError } from './messages.ts'
import { command } from './numbers.ts'
import { PayloadReader } from './payload.ts'
import { trackAgain } from './pins.ts'
import type { Sending } from './sending.ts'

const QUERY_PREFIX = Buffer.from([command.query])

export class SessionCommands {
  readonly #talk: Conversation
  readonly #sending: Sending

  constructor(talk: Conversation, sending: Sending) {
    this.#talk = talk
    this.#sending = sending
  }

  setOption(one: Command): void {
    const option = new PayloadReader(one.bytes, one.from + 1, one.to).uint16()
    // Several statements in a text are judged as such, whether or not the server would take them.
    if (option > 1) throw new AccessDenied('message_unsupported', 'an unknown option')
    this.#sending.forward(one, new Exchange('end'))
  }

  /** The server forgets what was pinned with all else: it is pinned anew before the client hears of it. */
  reset(one: Command): void {
    const talk = this.#talk
    for (const prepared of talk.prepared.values()) talk.closeCursor(prepared)
    const first = new Exchange('plain')
    first.hidden = true
    first.unread = true
    first.onAnswer = ok => {
      if (!ok) {
        this.#pinsLost()
        return
      }
      talk.prepared.clear()
      talk.longBytes = 0
      talk.parts.builder.forget()
      const again = new Exchange('plain')
      again.hidden = true
      again.onAnswer = pinned => {
        if (pinned) talk.say(plainOk(talk.flags))
        else this.#pinsLost()
      }
      talk.ask(Buffer.concat([QUERY_PREFIX, Buffer.from(talk.parts.pins)]), again)
    }
    this.#sending.forward(one, first)
  }

  /**
   * All that the server's session holds is gone before anybody is asked who they are, as where a server does this itself:
   * locks, a transaction, temporary tables. What it answers changes nothing: it is closed behind that.
   */
  changeUser({ bytes, from, to }: Command): void {
    const talk = this.#talk
    const login = readChangeUser(bytes.subarray(from, to), talk.parts.capabilities)
    const last = new Exchange('plain')
    last.hidden = true
    last.unread = true
    last.onAnswer = () => talk.parts.handOver(login)
    talk.ask(Uint8Array.of(command.resetConnection), last)
  }

  track(): void {
    const talk = this.#talk
    talk.retrack = false
    const exchange = new Exchange('plain')
    exchange.hidden = true
    exchange.onAnswer = ok => {
      if (!ok) this.#pinsLost()
    }
    talk.ask(Buffer.concat([QUERY_PREFIX, Buffer.from(trackAgain)]), exchange)
  }

  #pinsLost(): void {
    this.#talk.parts.end(
      'failed',
      new AccessDenied('setting_refused', 'the session could not be reset'),
    )
  }

  kill(target: number): void {
    if (this.#talk.parts.kill(target) === 'done') this.#talk.say(plainOk(this.#talk.flags))
    else
      this.#talk.say(
        writeError({ code: 1094, state: 'HY000', message: `Unknown thread id: ${target}` }),
      )
  }
}
