// JSON Pointer (RFC 6901), with `*` for any one name or place in an array.

/** A pointer's parts; undefined where any will do. */
export type PointerPattern = readonly (string | undefined)[]

/** Undefined: it is not a pointer. `""` is the whole text. */
export function parsePointer(text: string): PointerPattern | undefined {
  if (text === '') return []
  if (!text.startsWith('/') || /~(?![01])/.test(text)) return undefined
  return text
    .slice(1)
    .split('/')
    .map(part => (part === '*' ? undefined : part.replaceAll('~1', '/').replaceAll('~0', '~')))
}

/** Names that some reader takes for one: letters of either case, `ſ` for s and the Kelvin sign for k included. */
export function foldName(name: string): string {
  return name.toUpperCase().toLowerCase()
}
