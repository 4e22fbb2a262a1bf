// C2SP tlog-checkpoint: a signed tree head. Ours has no extension lines, and the origin is the key's name.
import { HASH_BYTES } from './hashing.ts'
import { type NoteSigner, type NoteVerifier, openNote, signNote, strictBase64 } from './note.ts'

/** A tree head. */
export interface Checkpoint {
  readonly origin: string
  readonly size: number
  readonly root: Uint8Array
}

/** The signed note of a tree head, under the signer's name as origin. */
export function signCheckpoint(size: number, root: Uint8Array, signer: NoteSigner): string {
  const text = `${signer.name}\n${size}\n${Buffer.from(root).toString('base64')}\n`
  return signNote(text, signer)
}

/** The tree head of a note that `verifier` signed for its own origin; undefined for anything else. */
export function openCheckpoint(note: string, verifier: NoteVerifier): Checkpoint | undefined {
  const text = openNote(note, verifier)
  if (text === undefined) return undefined
  const [origin, decimal, encoded, ...rest] = text.split('\n')
  if (origin !== verifier.name || decimal === undefined || encoded === undefined) return undefined
  if (rest.length !== 1 || rest[0] !== '' || !/^(0|[1-9][0-9]{0,15})$/.test(decimal))
    return undefined
  const size = Number(decimal)
  const root = strictBase64(encoded)
  if (root?.length !== HASH_BYTES || !Number.isSafeInteger(size)) return undefined
  return { origin, size, root }
}
