// A session of ours at the server made to read texts as we read them: its character set and modes are pinned, and it tells when
// something changes that.
import { pinnedSqlMode } from '#engines/sql'
import { UpstreamError } from '#model'
import type { Questions } from './questions.ts'
import { malformed } from './upstream-refusal.ts'

export interface Pinned {
  /** The default database, as the server spells it. */
  readonly database: string | undefined
  /** `lower_case_table_names`: 0 where the names of tables keep their case. */
  readonly lowerCaseNames: number
  /** What makes a session read texts as we do: to be sent again whenever the server forgets it. */
  readonly pins: string
}

/** What the reading of texts rests on. */
const TRACKED = [
  'sql_mode',
  'character_set_client',
  'character_set_connection',
  'character_set_results',
] as const

const TRACKING = `@@SESSION.session_track_schema = 1, @@SESSION.session_track_system_variables = '${TRACKED.join()}'`
/** Makes the server tell again of what it was told to be silent about. */
export const trackAgain = `SET ${TRACKING}`

/** Makes the session read texts as we do, and tell when something changes that. */
export async function pinSession(questions: Questions): Promise<Pinned> {
  const [row] = await questions.ask(
    'SELECT @@SESSION.sql_mode, @@lower_case_table_names, DATABASE()',
  )
  if (row === undefined || row[0] === null || row[0] === undefined)
    throw malformed('no answer about its modes')
  const mode = pinnedSqlMode(row[0])
  if (!/^[A-Z0-9_,]*$/.test(mode)) throw malformed('modes that are no names')
  const pins = `SET NAMES utf8mb4, @@SESSION.sql_mode = '${mode}', ${TRACKING}`
  await questions.ask(pins)
  const [after] = await questions.ask(
    'SELECT @@SESSION.sql_mode, @@character_set_client, @@character_set_connection, @@character_set_results',
  )
  const [now, ...sets] = after ?? []
  if (now === null || now === undefined || pinnedSqlMode(now) !== now || sets.some(notUtf8))
    throw new UpstreamError(
      'upstream_refused',
      'the database does not keep the modes and the character set that the gateway sets',
    )
  return { pins, database: row[2] ?? undefined, lowerCaseNames: Number(row[1] ?? 0) }
}

const notUtf8 = (set: string | null): boolean => set !== 'utf8mb4'
