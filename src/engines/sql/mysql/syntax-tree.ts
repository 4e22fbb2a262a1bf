// The parser's tree: a node is `{ Type: fields }`, or `'Type'` where it has none. What is not as expected is undefined,
// for whoever reads it to refuse.

export type Tree = { readonly [field: string]: unknown }

export interface Word {
  readonly text: string
  readonly quoted: boolean
}

export function isTree(value: unknown): value is Tree {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

export function typeOf(value: unknown): string | undefined {
  if (typeof value === 'string') return value
  if (!isTree(value)) return undefined
  const keys = Object.keys(value)
  return keys.length === 1 ? keys[0] : undefined
}

/** The fields of a node of that type; those of one that holds a single node are the node itself (`heldIn`). */
export function fieldsOf(value: unknown, type: string): Tree | undefined {
  const held = heldIn(value, type)
  return isTree(held) ? held : undefined
}

export function heldIn(value: unknown, type: string): unknown {
  return isTree(value) && typeOf(value) === type ? value[type] : undefined
}

export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}

export function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}

/** A name as written, without its quotes. */
export function wordOf(value: unknown): Word | undefined {
  if (!isTree(value)) return undefined
  const text = textOf(value['value'])
  const quote = value['quote_style']
  return text === undefined ? undefined : { text, quoted: quote !== undefined && quote !== null }
}

/** The parts of a name with dots; undefined when one is no plain name. */
export function wordsOf(value: unknown): readonly Word[] | undefined {
  const words: Word[] = []
  for (const part of listOf(value)) {
    const word = wordOf(heldIn(part, 'Identifier') ?? part)
    if (word === undefined) return undefined
    words.push(word)
  }
  return words.length === 0 ? undefined : words
}

/** True when there is nothing in a field: the parser writes that in several ways. */
export function isEmpty(value: unknown): boolean {
  return (
    value === undefined ||
    value === null ||
    value === false ||
    value === 'None' ||
    (Array.isArray(value) && value.length === 0)
  )
}

/** True when no field but these holds anything. */
export function onlyHas(fields: Tree, known: ReadonlySet<string>): boolean {
  for (const field in fields) if (!known.has(field) && !isEmpty(fields[field])) return false
  return true
}
