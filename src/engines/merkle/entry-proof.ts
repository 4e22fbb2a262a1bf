// C2SP tlog-proof: one file that proves a record to be in the log: its index, its audit path, a checkpoint.
// The record itself is not in the file: whoever verifies brings it.
import { type Checkpoint, openCheckpoint } from './checkpoint.ts'
import { HASH_BYTES, leafHash } from './hashing.ts'
import { type NoteVerifier, strictBase64 } from './note.ts'
import { verifyInclusion } from './proofs.ts'

const HEADER = 'c2sp.org/tlog-proof@v1'
const MOST_HASHES = 64

/** Writes the proof. `checkpoint` is the signed note. */
export function formatEntryProof(
  index: number,
  hashes: readonly Uint8Array[],
  checkpoint: string,
): string {
  const lines = hashes.map(hash => `${Buffer.from(hash).toString('base64')}\n`)
  return `${HEADER}\nindex ${index}\n${lines.join('')}\n${checkpoint}`
}

/**
 * Verifies a proof for `record` (the exact bytes). Gives where the record is and the checkpoint that covers it;
 * undefined when anything about the proof does not hold.
 */
export function verifyEntryProof(
  proof: string,
  record: Uint8Array,
  verifier: NoteVerifier,
): { readonly index: number; readonly checkpoint: Checkpoint } | undefined {
  const end = proof.indexOf('\n\n')
  if (end < 0) return undefined
  const lines = proof.slice(0, end).split('\n')
  if (lines.shift() !== HEADER) return undefined
  // `extra` is opaque to us and not authenticated: read past it.
  if (lines[0]?.startsWith('extra ')) lines.shift()
  const [, decimal] = /^index (0|[1-9][0-9]{0,15})$/.exec(lines.shift() ?? '') ?? []
  if (decimal === undefined || lines.length > MOST_HASHES) return undefined
  const hashes = lines.map(line => strictBase64(line))
  if (!hashes.every(hash => hash?.length === HASH_BYTES)) return undefined
  const path = hashes.flatMap(hash => (hash === undefined ? [] : [hash]))
  const checkpoint = openCheckpoint(proof.slice(end + 2), verifier)
  if (checkpoint === undefined) return undefined
  const index = Number(decimal)
  const holds = verifyInclusion(index, checkpoint.size, leafHash(record), path, checkpoint.root)
  return holds ? { index, checkpoint } : undefined
}
