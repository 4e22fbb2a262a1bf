// What is asked of the cluster where answers must be read here: JSON, as a table too, never protobuf or CBOR.

const JSON_RANGE = /^application\/json\s*(?:;.*)?$/i
const TEXT_RANGE = /^text\/[\w*]+\s*(?:;.*)?$/i

const TABLE = /;\s*as\s*=\s*"?table\b/i

export interface Readable {
  /** It may be a text as well (metrics). */
  readonly texts: boolean
  /** It may be a table: its cells have no names of fields. */
  readonly tables: boolean
}

/** `ranges`: members of the client's Accept. Never empty. */
export function readableRanges(ranges: readonly string[], { texts, tables }: Readable): string {
  const kept = ranges
    .filter(range => JSON_RANGE.test(range) || (texts && TEXT_RANGE.test(range)))
    .filter(range => tables || !TABLE.test(range))
  if (kept.length > 0) return kept.join(', ')
  return texts ? 'application/json, text/plain;q=0.9' : 'application/json'
}
