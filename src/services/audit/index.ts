// The audit log: append, make durable, sign, read back. Refuses to go on from a log that was cut or changed.
export type {
  AppendedRecord,
  AuditLog,
  AuditLogOptions,
  Batch,
  RecurringEntry,
} from './audit-log.ts'
export type { LogFiles } from './files.ts'
export { nodeFiles } from './files.ts'
export { openAuditLog } from './open.ts'
export type { PublishedLog } from './published-log.ts'
