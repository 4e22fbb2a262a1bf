// What the head of an answer may still say when its body is masked: nothing that is true of the bytes before alone.

/** Fields that speak of the exact bytes, of parts of them, or of another way to get them. RFC 9110, 9530, 3230, 3229. */
const GONE: ReadonlySet<string> = new Set([
  'digest',
  'want-digest',
  'accept-ranges',
  'content-range',
  'content-encoding',
  'delta-base',
  'im',
  'signature',
  'signature-input',
])
/** How long the bytes are, and what was computed of them: under the names of RFCs, and under those that services gave it. */
const OF_BYTES =
  /(?:^|-)(?:content-length|etag|(?:content|repr)-digest|md5|sha-?\d+|crc\d+c?|checksum|hash)(?:$|-)/

/** Fields of a request that would bring parts of a body, or deltas: neither can be masked by itself. */
export const unmaskableRequest: ReadonlySet<string> = new Set(['range', 'if-range', 'a-im'])

/**
 * The fields of the head of a masked answer. An entity tag is one of what is gone: many are a hash, and by it values could be
 * guessed. `contentType`: what the masker says.
 */
export function maskedHead<Field extends readonly [name: string, value: string]>(
  fields: readonly Field[],
  contentType: string | undefined,
): [name: string, value: string][] {
  return fields.flatMap(([name, value]): [string, string][] => {
    const folded = name.toLowerCase()
    if (GONE.has(folded) || OF_BYTES.test(folded)) return []
    if (folded === 'content-type' && contentType !== undefined) return [[name, contentType]]
    return [[name, value]]
  })
}
