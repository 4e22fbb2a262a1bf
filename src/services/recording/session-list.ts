// Sessions as lists show them: found, newest first, or by their id.
import { type Kysely, sql } from 'kysely'
import { type CloseReason, InvalidRequest, type SessionId, type SessionSummary } from '#model'
import type { SearchIndex } from './search-index.ts'
import { FEWEST_CHARACTERS, findSessions, type SessionFilter } from './session-search.ts'
import type { RecordingTables } from './tables.ts'

export class SessionList {
  readonly #kysely: Kysely<RecordingTables>
  readonly #index: Pick<SearchIndex, 'settleQueued'>
  readonly #settle: () => Promise<void>

  /** `settle`: resolves when all that sessions are found by is in the store. */
  constructor(
    kysely: Kysely<RecordingTables>,
    index: Pick<SearchIndex, 'settleQueued'>,
    settle: () => Promise<void>,
  ) {
    this.#kysely = kysely
    this.#index = index
    this.#settle = settle
  }

  /** Throws InvalidRequest when `before` is unknown, or `text` too short. */
  async list(filter: SessionFilter): Promise<readonly SessionSummary[]> {
    const { table, text, class: dataClass, decision } = filter
    if (text !== undefined && [...text].length < FEWEST_CHARACTERS)
      throw new InvalidRequest(
        'request_invalid',
        `A text to look for has at least ${FEWEST_CHARACTERS} characters.`,
      )
    if ([table, text, dataClass, decision].some(each => each !== undefined)) await this.#settle()
    else await this.#index.settleQueued()
    const found = await findSessions(this.#kysely, filter)
    if (found.length === 0) return []
    const rows = await this.#kysely
      .selectFrom('recording_sessions')
      .selectAll()
      .where(sql<boolean>`no in (select value from json_each(${JSON.stringify(found)}))`)
      .execute()
    return rows.sort((a, b) => Number(b.no) - Number(a.no)).map(fromRow)
  }

  /** Throws InvalidRequest when it is unknown. */
  async get(id: string): Promise<SessionSummary> {
    await this.#index.settleQueued()
    const row = await this.#kysely
      .selectFrom('recording_sessions')
      .selectAll()
      .where('id', '=', id)
      .executeTakeFirst()
    if (row === undefined) throw unknown(id)
    return fromRow(row)
  }
}

function unknown(id: string): InvalidRequest {
  return new InvalidRequest('request_unknown', `There is no session ${id.slice(0, 40)}.`)
}

type Row = RecordingTables['recording_sessions']

function fromRow(row: Row): SessionSummary {
  return {
    id: row.id as SessionId,
    resource: row.resource,
    protocol: row.protocol,
    principal: row.principal,
    principalKind: row.principal_kind === 'user' ? 'user' : 'agent',
    ...(row.actor === null ? {} : { actor: row.actor }),
    run: row.run,
    origin: { ip: row.ip, port: Number(row.port), client: row.client },
    startedAt: Number(row.started_at),
    ...(row.ended_at === null ? {} : { endedAt: Number(row.ended_at) }),
    ...(row.close_reason === null ? {} : { closeReason: row.close_reason as CloseReason }),
    statements: Number(row.statements),
    denied: Number(row.denied),
    rows: Number(row.rows),
    bytes: Number(row.bytes),
  }
}
