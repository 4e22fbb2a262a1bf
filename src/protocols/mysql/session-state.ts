// What the server tells of its session: the default database, and settings under which its texts would no longer mean what we read.
import { keepsReading } from '#engines/sql'
import { AccessDenied } from '#model'
import type { Conversation } from './conversation.ts'
import { runsOthers } from './effects.ts'
import type { Exchange } from './exchange.ts'
import type { Ok, StateChange } from './messages.ts'
import { status } from './numbers.ts'

export class SessionState {
  readonly #talk: Conversation

  constructor(talk: Conversation) {
    this.#talk = talk
  }

  /** False: the session is over, for its texts no longer mean what we read. */
  heard({ status: flags, changes }: Ok): boolean {
    const talk = this.#talk
    talk.flags = flags
    const { builder } = talk.parts
    const unread = talk.exchange?.unread === true
    const modes = flags & status.noBackslashEscapes
    const quotes = builder.reading.flavour === 'mariadb' ? flags & status.ansiQuotes : 0
    if (!unread && (modes !== 0 || quotes !== 0)) return this.#turned('sql_mode')
    for (const change of changes) {
      if (change.kind === 'schema') {
        if (talk.exchange !== undefined) talk.exchange.moved += 1
        builder.reading = {
          ...builder.reading,
          database: change.name === '' ? undefined : change.name,
        }
      } else if (!unread && !keeps(change)) return this.#turned(change.name)
    }
    return true
  }

  /** False: the session is over, for another default database may have been chosen, and the server was silent about it. */
  settled(exchange: Exchange, outcome: 'completed' | 'failed' | 'cancelled'): boolean {
    if (exchange.moved >= this.#moves(exchange, outcome === 'completed')) return true
    return this.#turned('the default database')
  }

  /** How many of its statements that have run choose one. */
  #moves({ kind, permit, analysis, index }: Exchange, whole: boolean): number {
    if (permit === undefined) return 0
    // (COM_INIT_DB)
    if (kind === 'plain') return whole ? 1 : 0
    if (kind !== 'result' || analysis === undefined) return 0
    const places = this.#talk.parts.builder.moving(analysis)
    if (whole || places.length === 0 || runsOthers(analysis.statements)) return places.length
    return places.filter(at => at < index).length
  }

  #turned(name: string): false {
    this.#talk.parts.end(
      'failed',
      new AccessDenied(
        'setting_refused',
        `${name} was changed; the session cannot be judged any more`,
      ),
    )
    return false
  }
}

function keeps(change: StateChange & { kind: 'variable' }): boolean {
  const value = change.value.toLowerCase()
  switch (change.name) {
    case 'sql_mode':
      return keepsReading(change.value)
    case 'character_set_client':
    case 'character_set_connection':
      return value === 'utf8mb4' || value === 'utf8mb3' || value === 'utf8'
    case 'character_set_results':
      // (`binary`, or NULL: each column in its own set, as dumps ask for; `columns` knows which of them are no text to us.)
      return ['utf8mb4', 'utf8mb3', 'utf8', 'binary', ''].includes(value)
    default:
      return true
  }
}
