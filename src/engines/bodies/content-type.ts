// What a body says that it is. RFC 9110 section 8.3.1.

export interface ContentType {
  /** `type/subtype`, lower case. */
  readonly type: string
  readonly charset: string | undefined
  readonly parameters: ReadonlyMap<string, string>
}

const TOKEN = /[!#$%&'*+.^_`|~0-9A-Za-z-]+/.source
const TYPE = new RegExp(`^\\s*(${TOKEN}/${TOKEN})\\s*((?:;[^]*)?)$`)
const PARAMETER = new RegExp(`\\s*;\\s*(?:(${TOKEN})=(?:(${TOKEN})|"((?:[^"\\\\]|\\\\.)*)"))?`, 'y')

/** Undefined: it cannot be read, or says a parameter twice, which two readers may understand differently. */
export function parseContentType(text: string): ContentType | undefined {
  const [, type, rest] = TYPE.exec(text) ?? []
  const parameters = rest === undefined ? undefined : parseParameters(rest)
  if (type === undefined || parameters === undefined) return undefined
  return { type: type.toLowerCase(), charset: parameters.get('charset')?.toLowerCase(), parameters }
}

/** Of `; name=value; name="value"`. Undefined: they cannot be read, or one stands there twice. */
export function parseParameters(rest: string): ReadonlyMap<string, string> | undefined {
  const parameters = new Map<string, string>()
  PARAMETER.lastIndex = 0
  const trimmed = rest.trimEnd()
  while (PARAMETER.lastIndex < trimmed.length) {
    const found = PARAMETER.exec(trimmed)
    if (found === null) return undefined
    const [, name, token, quoted] = found
    if (name === undefined) continue
    const folded = name.toLowerCase()
    if (parameters.has(folded)) return undefined
    parameters.set(folded, token ?? (quoted ?? '').replace(/\\(.)/g, '$1'))
  }
  return parameters
}
