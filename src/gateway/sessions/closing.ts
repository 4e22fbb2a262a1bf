// What follows a session's end, once: its recording is sealed, its end put on record, and nobody finds it any more.
import type { CloseReason } from '#model'
import type { AuditLog } from '#services/audit'
import type { Recordings } from '#services/recording'
import type { Log, Metrics } from '#telemetry'
import type { Runs } from '../record/index.ts'
import type { LiveSession } from './live-session.ts'
import type { LiveSessions } from './live-sessions.ts'

export interface ClosingParts {
  readonly now: () => number
  readonly recordings: Recordings
  readonly audit: AuditLog
  readonly log: Log
  readonly metrics: Pick<Metrics, 'sessionClosed'>
  readonly sessions: LiveSessions
  readonly runs: Runs
}

/** Never rejects: who ends a session cannot do anything about a disk that is full. */
export async function afterClose(
  session: LiveSession,
  reason: CloseReason,
  { now, recordings, audit, log, metrics, sessions, runs }: ClosingParts,
): Promise<void> {
  runs.leave(session.principal, now())
  const summary = { ...session.summary(), endedAt: now(), closeReason: reason }
  const { statements, denied, rows, bytes } = summary
  try {
    await recordings.end(summary, session.marks())
  } catch (error) {
    // Safe: the session runs nothing more; its end is still put on record.
    log.error({ err: error, session: session.id }, 'recording.end_failed')
  }
  try {
    audit.append(
      session.evidence.entry('session.closed', {
        result: { reason, statements, denied, rows, bytes },
      }),
    )
  } catch (error) {
    // Safe: the session runs nothing more. That its end is missing in the log is visible there, and here.
    log.error({ err: error, session: session.id }, 'session.close_failed')
  }
  sessions.remove(session.id)
  metrics.sessionClosed(session.resource.name, reason)
}
