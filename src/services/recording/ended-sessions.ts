// What the store is told when sessions have ended: many at a time, in one statement each for their rows and their marks.
import { type Kysely, sql } from 'kysely'
import type { SessionMarks, SessionSummary } from '#model'
import type { RecordingTables } from './tables.ts'

export interface EndedSession {
  readonly session: SessionSummary
  readonly marks: SessionMarks | undefined
}

export async function writeEnded(
  store: Kysely<RecordingTables>,
  ended: readonly EndedSession[],
): Promise<void> {
  if (ended.length === 0) return
  // Only what has changed since it began: each column more is one index more to be written.
  const rows = ended.map(({ session: { id, endedAt, closeReason, ...counts } }) => [
    id,
    endedAt ?? null,
    closeReason ?? null,
    counts.statements,
    counts.denied,
    counts.rows,
    counts.bytes,
  ])
  await sql`update recording_sessions set ended_at = ended.value ->> 1, close_reason = ended.value ->> 2,
      statements = ended.value ->> 3, denied = ended.value ->> 4, rows = ended.value ->> 5, bytes = ended.value ->> 6
    from json_each(${JSON.stringify(rows)}) as ended where recording_sessions.id = ended.value ->> 0`.execute(
    store,
  )
  const marks = ended.flatMap(({ session, marks }) =>
    marks === undefined || marks.marks.length === 0 ? [] : [[session.id, JSON.stringify(marks)]],
  )
  if (marks.length === 0) return
  await sql`insert into recording_marks (session, marks)
    select value ->> 0, value ->> 1 from json_each(${JSON.stringify(marks)}) where true
    on conflict (session) do update set marks = excluded.marks`.execute(store)
}
