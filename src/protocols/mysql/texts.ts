// Commands that are a text, or stand for one: judged whole, and sent as they came or as the analysis says.
import type { Command } from './command.ts'
import { textOf } from './command.ts'
import type { Conversation } from './conversation.ts'
import { Exchange } from './exchange.ts'
import type { Judge } from './judge.ts'
import { killOf } from './kill.ts'
import { command } from './numbers.ts'
import { PayloadReader } from './payload.ts'
import type { Sending } from './sending.ts'
import type { SessionCommands } from './session-commands.ts'

const QUERY_PREFIX = Buffer.from([command.query])

export class Texts {
  readonly #talk: Conversation
  readonly #judge: Judge
  readonly #sending: Sending
  readonly #session: SessionCommands

  constructor(talk: Conversation, judge: Judge, sending: Sending, session: SessionCommands) {
    this.#talk = talk
    this.#judge = judge
    this.#sending = sending
    this.#session = session
  }

  query(one: Command): void {
    const text = textOf(one, 1)
    const killed = killOf(text)
    if (killed !== undefined) {
      this.#session.kill(killed)
      return
    }
    this.#judge.text(text, 'execute', (permit, analysis) => {
      const exchange = new Exchange('result', permit, analysis, text)
      exchange.file = analysis.statements[0]?.clientFile
      if (analysis.forward === text) this.#sending.forward(one, exchange)
      else this.#talk.ask(Buffer.concat([QUERY_PREFIX, Buffer.from(analysis.forward)]), exchange)
    })
  }

  /** What a command asks for that has words of its own is judged by the text that asks the same. */
  initDb(one: Command): void {
    const name = textOf(one, 1)
    this.#judge.text(`USE ${quoted(name)}`, 'execute', permit =>
      this.#sending.forward(one, new Exchange('plain', permit)),
    )
  }

  fieldList(one: Command): void {
    const table = new PayloadReader(one.bytes, one.from + 1, one.to).cstring()
    this.#judge.text(`SHOW COLUMNS FROM ${quoted(table)}`, 'execute', permit =>
      this.#sending.forward(one, new Exchange('fields', permit)),
    )
  }
}

function quoted(name: string): string {
  return `\`${name.replaceAll('`', '``')}\``
}
