// The evidence's mathematics: RFC 6962 trees and proofs, C2SP tiles, notes and checkpoints, and the form of records
// and segments. Used by the writer (services/audit) and by the offline verifier (cli/audit).
export { canonicalJson } from './canonical-json.ts'
export { type Checkpoint, openCheckpoint, signCheckpoint } from './checkpoint.ts'
export { formatEntryProof, verifyEntryProof } from './entry-proof.ts'
export { EMPTY_ROOT, HASH_BYTES, leafHash, leafHashInPlace, nodeHash, sameHash } from './hashing.ts'
export {
  formatVkey,
  type NoteSigner,
  type NoteVerifier,
  openNote,
  parseVkey,
  signNote,
} from './note.ts'
export {
  consistencyProof,
  type HashSource,
  inclusionProof,
  rootAt,
  verifyConsistency,
  verifyInclusion,
} from './proofs.ts'
export { decodeRecord, encodeRecord, MOST_RECORD_BYTES } from './record.ts'
export { RecordForm } from './record-form.ts'
export {
  FRAME_HEADER_BYTES,
  frameEnd,
  INDEX_STRIDE,
  MOST_FRAME_BYTES,
  SEGMENT_MARK,
  segmentFirst,
  segmentName,
  type Walk,
  walkSegment,
  writeFrameHeader,
} from './segment.ts'
export { decodeBundle, encodeBundle, entriesPath, TileHashes, tilePath } from './tiles.ts'
export { TILE_WIDTH, type Tile, Tree } from './tree.ts'
