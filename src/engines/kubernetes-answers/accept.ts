// What is asked of the cluster where answers must be read here: JSON, as a table too, never protobuf or CBOR.

const JSON_RANGE = /^application\/json\s*(?:;.*)?$/i
const TEXT_RANGE = /^text\/[\w*]+\s*(?:;.*)?$/i

/** `ranges`: members of the client's Accept. `texts`: it may be a text as well (metrics). Never empty. */
export function readableRanges(ranges: readonly string[], texts: boolean): string {
  const kept = ranges.filter(range => JSON_RANGE.test(range) || (texts && TEXT_RANGE.test(range)))
  if (kept.length > 0) return kept.join(', ')
  return texts ? 'application/json, text/plain;q=0.9' : 'application/json'
}
