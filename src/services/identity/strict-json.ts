// JSON with one meaning: doubled names are refused, since two parsers may keep different ones.
import type { Json, JsonObject } from '#model'

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** The object that these bytes are; undefined when they are anything else, or say a name twice. */
export function parseStrictObject(bytes: Uint8Array): JsonObject | undefined {
  try {
    const text = utf8.decode(bytes)
    const value = JSON.parse(text) as Json
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
    return hasDoubledName(text) ? undefined : (value as JsonObject)
  } catch {
    // Not UTF-8 or not JSON: refused by the caller, like every other doubt.
    return undefined
  }
}

/** Walks the strings and brackets of a text that `JSON.parse` has accepted. */
function hasDoubledName(text: string): boolean {
  /** One for each open bracket: the names seen so far, or null in an array. */
  const open: (Set<string> | null)[] = []
  let expectsName = false
  for (let at = 0; at < text.length; at += 1) {
    const character = text[at]
    if (character === '{') {
      open.push(new Set())
      expectsName = true
    } else if (character === '[') {
      open.push(null)
      expectsName = false
    } else if (character === '}' || character === ']') {
      open.pop()
      expectsName = false
    } else if (character === ',') {
      expectsName = open.at(-1) !== null
    } else if (character === '"') {
      const start = at
      for (at += 1; text[at] !== '"'; at += 1) if (text[at] === '\\') at += 1
      const names = open.at(-1)
      if (!expectsName || names === null || names === undefined) continue
      // Escapes are undone first: "\u0061" is "a".
      const name = JSON.parse(text.slice(start, at + 1)) as string
      // The prototype's name is no claim, and assigning to it means something else.
      if (names.has(name) || name === '__proto__') return true
      names.add(name)
      expectsName = false
    }
  }
  return false
}
