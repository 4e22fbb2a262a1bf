// What the head of an answer may still say when its body is masked: nothing that is true of the bytes before alone.

/** Fields that speak of the exact bytes, of parts of them, or of another way to get them. RFC 9110, 9530, 3230, 3229. */
const GONE: ReadonlySet<string> = new Set([
  'content-length',
  'content-md5',
  'content-digest',
  'repr-digest',
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

/** Fields of a request that would bring parts of a body, or deltas: neither can be masked by itself. */
export const unmaskableRequest: ReadonlySet<string> = new Set(['range', 'if-range', 'a-im'])

/**
 * The fields of the head of a masked answer. An entity tag becomes a weak one: it still tells whether the thing
 * changed, but not that these are its bytes. `contentType`: what the masker says.
 */
export function maskedHead<Field extends readonly [name: string, value: string]>(
  fields: readonly Field[],
  contentType: string | undefined,
): [name: string, value: string][] {
  return fields.flatMap(([name, value]): [string, string][] => {
    const folded = name.toLowerCase()
    if (GONE.has(folded)) return []
    if (folded === 'etag') return [[name, value.startsWith('W/') ? value : `W/${value}`]]
    if (folded === 'content-type' && contentType !== undefined) return [[name, contentType]]
    return [[name, value]]
  })
}
