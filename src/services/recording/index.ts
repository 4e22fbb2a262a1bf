// Recordings: what each principal asked and saw, sealed per session, replayable, erasable.
export type { RecordedEvent } from './events.ts'
export type { RecordedChunk, SessionRecorder } from './recorder.ts'
export { Recordings } from './recordings.ts'
export type { RunSummary } from './runs.ts'
export type { SessionFilter } from './session-search.ts'
export { type RecordingTables, recordingMigrations } from './tables.ts'
