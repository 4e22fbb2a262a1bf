// A session from who is let in to what follows its end; in between, the one gate of its statements.
export { LiveSessions } from './live-sessions.ts'
export { Opening } from './opening.ts'
export { SessionReviews } from './session-reviews.ts'
