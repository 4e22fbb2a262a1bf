// Messages of ours that go upstream in place of, or around, the client's. A refused statement is replaced by
// one that every server refuses in every state: no keyword begins a statement with this word.
import { F, message, parse, query } from './messages.ts'

const REFUSED = 'refused_by_sallyport'

/** Fails a transaction, and is answered by ErrorResponse and ReadyForQuery. */
export const failingQuery: Uint8Array = query(REFUSED)

/** Fails a pipeline up to its Sync. Named, so that the unnamed statement is left alone. */
export const failingParse: Uint8Array = parse(REFUSED, REFUSED)

export const begin: Uint8Array = query('BEGIN')
export const commit: Uint8Array = query('COMMIT')
export const rollback: Uint8Array = query('ROLLBACK')

/** Ends a COPY FROM STDIN without its rows. */
export const failingCopy: Uint8Array = message(F.copyFail, writer => writer.cstring(REFUSED))

/** Execute without a row limit. */
export function executeAll(portal: string): Uint8Array {
  return message(F.execute, writer => writer.cstring(portal).int32(0))
}
