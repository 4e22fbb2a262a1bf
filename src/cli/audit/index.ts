// Offline work on audit logs: verify, prove one entry, export as a tile tree. No gateway, no network, no service.
export { exportTiles } from './export-tiles.ts'
export { type EntryProof, proveEntry, verifyProof } from './prove-entry.ts'
export type { Problem, RecordingCounts, VerifyReport } from './report.ts'
export { type VerifyOptions, verifyLog } from './verify-log.ts'
